"""Training rows: what the model saw, and what it said.

Invariant: rows depend on the attempts, the choice and the seed only, never on the order of arrival; no row comes twice.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.curation.selection import task_of

TRAIN, VALIDATION = "train", "validation"
IN_DOMAIN, HINDSIGHT, SYNTHETIC = "in-domain", "hindsight", "synthetic"
CHOICES = ("paper", "all", "unsure")
# A response that is more likely than this has little left to teach; of such steps one in so many becomes a row.
_SURE, _ONE_IN = math.log(0.9), 5


@dataclass(frozen=True)
class Row:
    """One example; the columns of the file."""

    prompt: str
    response: str
    split: str
    # Of a synthetic row, the example's name.
    trajectory: str
    # Index of the step in its trajectory, or in the example's plan.
    step: int
    source: str


def trainable(trajectory: trajectory_pb.Trajectory) -> list[trajectory_pb.Step]:
    """The steps with a prompt and a response that held an action."""
    return [step for step in trajectory.steps if step.action and step.prompt and step.response]


def pick(trajectory: trajectory_pb.Trajectory, choice: str, seed: int) -> list[trajectory_pb.Step]:
    """The steps that become rows.

    "all": every one; "paper": first, one random middle and last; "unsure": those with a response that the model found
    less than 90 % likely, and one in five of the others, so that what it knows is not forgotten.
    """
    steps = trainable(trajectory)
    # Seeded per trajectory: adding one changes no other's pick.
    draw = random.Random(f"{seed}:{trajectory.name}")
    if choice == "unsure":
        return [step for step in steps if not draw.randrange(_ONE_IN) or not _is_sure(step)]
    if choice == "all" or len(steps) <= 3:
        return steps
    middle = draw.randrange(1, len(steps) - 1)
    return [steps[0], steps[middle], steps[-1]]


def _is_sure(step: trajectory_pb.Step) -> bool:
    return bool(step.response_logprobs) and sum(step.response_logprobs) > _SURE


def split(trajectories: Sequence[trajectory_pb.Trajectory], validation_fraction: float, seed: int) -> set[str]:
    """Names of the trajectories to validate on: whole tasks, or single trajectories where there is one task only.

    About that fraction of the groups; at least one and never all when the fraction is not 0.
    """
    by_task = len({task_of(trajectory) for trajectory in trajectories}) > 1
    groups: dict[str, list[str]] = {}
    for trajectory in trajectories:
        group = "\n".join(task_of(trajectory)) if by_task else trajectory.name
        groups.setdefault(group, []).append(trajectory.name)
    if not validation_fraction or len(groups) < 2:
        return set()
    return {name for group in _held_out(groups, validation_fraction, seed) for name in groups[group]}


def _held_out(names: Collection[str], validation_fraction: float, seed: int) -> list[str]:
    size = min(max(1, math.floor(len(names) * validation_fraction + 0.5)), len(names) - 1)
    return random.Random(seed).sample(sorted(names), size)


def mix(
    mixture: str, in_domain: Sequence[Row], synthetic: Sequence[Row], validation_fraction: float, seed: int
) -> list[Row]:
    """A mixture's rows: A in-domain; B both, validated on the in-domain ones; C synthetic, split by example."""
    if mixture == "A":
        return list(in_domain)
    if mixture == "B":
        return [*in_domain, *synthetic]
    names = [row.trajectory for row in synthetic]
    held_out = set(_held_out(names, validation_fraction, seed)) if validation_fraction and len(names) > 1 else set()
    return [replace(row, split=VALIDATION if row.trajectory in held_out else TRAIN) for row in synthetic]


def build(
    trajectories: Sequence[trajectory_pb.Trajectory], choice: str, validation_fraction: float, seed: int
) -> list[Row]:
    """The rows of the attempts, without repeats, in the attempts' order."""
    usable = [trajectory for trajectory in trajectories if trainable(trajectory)]
    held_out, rows, seen = split(usable, validation_fraction, seed), [], set()
    for trajectory in usable:
        side = VALIDATION if trajectory.name in held_out else TRAIN
        for step in pick(trajectory, choice, seed):
            if (step.prompt, step.response) in seen:
                continue
            seen.add((step.prompt, step.response))
            rows.append(Row(step.prompt, step.response, side, trajectory.name, step.index, IN_DOMAIN))
    return rows


def with_hindsight(
    in_domain: Sequence[Row],
    kept: Sequence[trajectory_pb.Trajectory],
    told: Sequence[trajectory_pb.Trajectory],
    choice: str,
    seed: int,
) -> list[Row]:
    """The rows of kept attempts and, to train on, those of relabelled ones; no objective to validate on among these."""
    validated = {row.trajectory for row in in_domain if row.split == VALIDATION}
    held_out = {attempt.intent for attempt in kept if attempt.name in validated}
    known = {(row.prompt, row.response) for row in in_domain}
    built = build([attempt for attempt in told if attempt.intent not in held_out], choice, 0, seed)
    fresh = [row for row in built if (row.prompt, row.response) not in known]
    return [*in_domain, *(replace(row, source=HINDSIGHT) for row in fresh)]
