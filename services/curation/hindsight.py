"""Attempts that were turned down, told as attempts at what they did reach (hindsight relabelling).

Invariant: of an attempt only the objective changes, and with it its prompts; no reward is read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.prompts import View
from services.curation import rows
from services.curation.synthesis import asking
from services.curation.synthesis.examples import Refused
from services.curation.synthesis.policy import Policy
from services.curation.synthesis.prompted import acted_on, in_words
from services.curation.together import together

_ANSWERED = "answered"
_GAVE_UP = "n/a"
_SHORT = 200


class Teller(Protocol):
    """Says what an attempt did."""

    name: str
    # A sentence for the card.
    about: str

    async def objective(self, attempt: trajectory_pb.Trajectory) -> str:
        """An objective that the attempt is a right way to. Raises Refused, and what serving raises."""


class PromptedTeller:
    """A model that can write is shown the steps and asked what they were good for."""

    name = "prompted"
    about = "The model that made the attempts wrote, from their steps, the objectives that they do reach."

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    async def objective(self, attempt: trajectory_pb.Trajectory) -> str:
        did = [in_words(step) for step in attempt.steps]
        last = attempt.steps[-1]
        asked = asking.reached(attempt.steps[0].url, did, last.url, last.observation, self._policy.page_tokens)
        return asking.read_reached((await self._policy.write(asked, 0, 0.0, _SHORT)).text)


class EndingTeller:
    """For a model too small to write: the objective of the one kept attempt that gave this answer on this page."""

    name = "endings"
    about = "The model is too small to write: an objective is that of a kept attempt that ended alike in this world."

    def __init__(self, kept: Sequence[trajectory_pb.Trajectory]) -> None:
        self._objectives: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for attempt in kept:
            self._objectives[_ending(attempt)].add(attempt.intent)

    async def objective(self, attempt: trajectory_pb.Trajectory) -> str:
        found = self._objectives.get(_ending(attempt), set()) - {attempt.intent}
        if len(found) != 1:
            raise Refused("ending_of_several" if found else "ending_unknown")
        return found.pop()


class Hindsight(NamedTuple):
    """Relabelled attempts, in the order given, and the facts for the card."""

    attempts: list[trajectory_pb.Trajectory]
    facts: dict[str, Any]


async def relabel(
    turned_down: Sequence[trajectory_pb.Trajectory],
    kept: Sequence[trajectory_pb.Trajectory],
    policy: Policy,
    parallel: int,
) -> Hindsight:
    """The attempts that ended by an answer and did all they meant to, with new objectives; expects the steps.

    So many are told in parallel. Raises what serving raises.
    """
    teller: Teller = EndingTeller(kept) if policy.format.name == "brief" else PromptedTeller(policy)
    usable = [attempt for attempt in turned_down if _is_usable(attempt)]
    refused: Counter[str] = Counter()

    async def one(attempt: trajectory_pb.Trajectory) -> trajectory_pb.Trajectory | None:
        try:
            return await _told(attempt, await teller.objective(attempt), policy)
        except Refused as error:
            refused[error.check] += 1
            return None

    told = [attempt for attempt in await together(one, usable, parallel) if attempt]
    facts = {
        "writer": teller.name,
        "about": teller.about,
        "num_turned_down": len(turned_down),
        "num_usable": len(usable),
        "num_relabelled": len(told),
        "refused": dict(refused),
    }
    return Hindsight(told, facts)


def _is_usable(attempt: trajectory_pb.Trajectory) -> bool:
    steps = attempt.steps
    whole = len(rows.trainable(attempt)) == len(steps) and not any(step.error for step in steps)
    return bool(steps) and whole and attempt.stop_reason == _ANSWERED and attempt.answer.strip().lower() != _GAVE_UP


async def _told(attempt: trajectory_pb.Trajectory, objective: str, policy: Policy) -> trajectory_pb.Trajectory:
    told = trajectory_pb.Trajectory()
    told.CopyFrom(attempt)
    told.intent = objective
    earlier: trajectory_pb.Step | None = None
    for step in told.steps:
        previous, element = ("", ("", "")) if earlier is None else (earlier.action, acted_on(earlier))
        step.prompt = await policy.render(View(step.observation, step.url, objective, previous, element))
        earlier = step
    return told


def _ending(attempt: trajectory_pb.Trajectory) -> tuple[str, ...]:
    return attempt.world, attempt.answer.strip().lower(), attempt.final_url, attempt.steps[-1].observation
