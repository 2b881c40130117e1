"""How an agent goes about its tasks, from stored trajectories; rewards are read for the count of solved ones only.

Invariant: every trajectory is looked at once and then let go; a summary does not depend on their order.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.scoring import stored
from services.scoring.plausibility import ANSWERED
from services.scoring.strings import NOT_ACHIEVABLE, exact_match

_TOTAL = "total_s"


class Facts(NamedTuple):
    """What one trajectory adds to a summary."""

    num_steps: int
    num_unparsable: int
    num_refused: int
    num_repeated: int
    stop_reason: str
    gave_up: bool
    unachievable: bool
    solved: bool
    num_prompt_tokens: int
    num_response_tokens: int
    seconds: Mapping[str, float]


def facts_of(trajectory: trajectory_pb.Trajectory) -> Facts:
    """Expects the steps. Raises InvalidArgument where the task is not JSON."""
    actions = [step.action for step in trajectory.steps if step.action]
    return Facts(
        num_steps=len(trajectory.steps),
        num_unparsable=len(trajectory.steps) - len(actions),
        num_refused=sum(bool(step.action and step.error) for step in trajectory.steps),
        num_repeated=len(actions) - len(set(actions)),
        stop_reason=trajectory.stop_reason,
        gave_up=trajectory.stop_reason == ANSWERED and exact_match(NOT_ACHIEVABLE, trajectory.answer),
        unachievable=unachievable(stored.task_of(trajectory)),
        solved=trajectory.reward >= 1,
        num_prompt_tokens=trajectory.num_prompt_tokens,
        num_response_tokens=trajectory.num_response_tokens,
        seconds={field.name: getattr(trajectory.timings, field.name) for field in trajectory.timings.DESCRIPTOR.fields},
    )


def unachievable(task: Mapping[str, Any]) -> bool:
    """Whether the right answer is N/A, in whichever of its fields the task says so."""
    evaluation = task.get("eval")
    answers = evaluation.get("reference_answers") if isinstance(evaluation, dict) else None
    if not isinstance(answers, dict) or not answers:
        return False
    wanted = [text for value in answers.values() for text in (value if isinstance(value, list) else [value])]
    return all(isinstance(text, str) and exact_match(NOT_ACHIEVABLE, text) for text in wanted)


def summarise(label: str, found: Sequence[Facts]) -> pb.Behaviour:
    """The summary of an agent's trajectories; means and medians over none are 0."""
    given_up = [facts for facts in found if facts.gave_up]
    seconds = [facts.seconds[_TOTAL] for facts in found]
    parts = sorted({part for facts in found for part in facts.seconds if part != _TOTAL})
    return pb.Behaviour(
        label=label,
        num_trajectories=len(found),
        mean_steps=_mean(facts.num_steps for facts in found),
        median_steps=_median([facts.num_steps for facts in found]),
        num_steps=sum(facts.num_steps for facts in found),
        num_unparsable=sum(facts.num_unparsable for facts in found),
        num_refused=sum(facts.num_refused for facts in found),
        num_repeated=sum(facts.num_repeated for facts in found),
        stop_reasons=Counter(facts.stop_reason for facts in found),
        num_given_up=len(given_up),
        num_rightly_given_up=sum(facts.unachievable for facts in given_up),
        num_wrongly_tried=sum(facts.unachievable and not facts.gave_up for facts in found),
        num_solved=sum(facts.solved for facts in found),
        mean_prompt_tokens=_mean(facts.num_prompt_tokens for facts in found),
        mean_response_tokens=_mean(facts.num_response_tokens for facts in found),
        mean_s=_mean(seconds),
        median_s=_median(seconds),
        mean_s_by_part={part.removesuffix("_s"): _mean(facts.seconds[part] for facts in found) for part in parts},
    )


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return math.fsum(numbers) / len(numbers) if numbers else 0.0


def _median(values: Sequence[float]) -> float:
    return float(statistics.median(values)) if values else 0.0
