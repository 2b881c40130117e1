"""Scores with honest intervals, and policies compared on the same tasks.

Invariant: the same rewards and seed give the same numbers, in whichever order policies and tasks arrive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.scoring import statistics

MIN_RESAMPLES = 1_000
MAX_RESAMPLES = 1_000_000
_MAX_K = 64


class Draws(NamedTuple):
    """How resamples are drawn; task keys that `clusters` leaves out are clusters of their own."""

    num_resamples: int
    seed: int
    clusters: Mapping[str, str] = {}

    def interval(self, rewards: Mapping[str, float]) -> pb.Interval:
        """95 % interval of the mean over tasks."""
        keys = sorted(rewards)
        labels = [f"cluster {self.clusters[key]}" if key in self.clusters else f"task {key}" for key in keys]
        values = np.array([rewards[key] for key in keys], dtype=np.float64)
        bounds = statistics.interval(values, self.num_resamples, self.seed, labels if self.clusters else None)
        return pb.Interval(low=bounds.low, high=bounds.high)


def draws(num_resamples: int, default: int, seed: int, clusters: Mapping[str, str] | None = None) -> Draws:
    """What a request asks for, 0 resamples meaning the default. Raises InvalidArgument."""
    wanted = num_resamples or default
    if not MIN_RESAMPLES <= wanted <= MAX_RESAMPLES:
        raise InvalidArgument(f"num_resamples is {wanted}; give {MIN_RESAMPLES} to {MAX_RESAMPLES}, or 0")
    return Draws(wanted, seed, clusters or {})


def mean(rewards: Mapping[str, float]) -> float:
    """Of at least one task, whichever order they stand in."""
    return math.fsum(rewards.values()) / len(rewards)


def score(outcomes: pb.PolicyOutcomes, how: Draws) -> pb.PolicyScore:
    """One policy's score over its tasks."""
    rewards = by_task(outcomes)
    answer = pb.PolicyScore(
        policy=outcomes.policy,
        num_tasks=len(rewards),
        num_solved=math.fsum(rewards.values()),
        mean=mean(rewards),
        interval=how.interval(rewards),
        min_attempts=1,
    )
    if not outcomes.rewards:
        attempts = [list(of_task.rewards) for of_task in outcomes.attempts.values()]
        answer.min_attempts = min(map(len, attempts))
        error = statistics.attempt_error(attempts)
        if error is not None:
            answer.attempt_error = error
        counts = [(len(of_task), sum(reward >= 1 for reward in of_task)) for of_task in attempts]
        for k in range(1, min(answer.min_attempts, _MAX_K) + 1):
            answer.pass_at_k[k] = math.fsum(statistics.pass_at(k, *count) for count in counts) / len(counts)
    return answer


def difference(outcomes: pb.PolicyOutcomes, baseline: pb.PolicyOutcomes, how: Draws) -> pb.PairedDifference:
    """A policy against the baseline on their common tasks.

    The p-value is exact McNemar's, two-sided; where attempts were averaged it is the sign test of which it is a case.
    """
    ours, theirs = by_task(outcomes), by_task(baseline)
    change = {key: ours[key] - theirs[key] for key in sorted(ours.keys() & theirs.keys())}
    if not change:
        raise InvalidArgument(
            f"{outcomes.policy!r} and {baseline.policy!r} have no task in common; evaluate both on the same tasks"
        )
    gained = [key for key, value in change.items() if value > 0]
    lost = [key for key, value in change.items() if value < 0]
    return pb.PairedDifference(
        policy=outcomes.policy,
        baseline=baseline.policy,
        num_tasks=len(change),
        mean=mean(change),
        interval=how.interval(change),
        p_value=statistics.mcnemar(len(gained), len(lost)),
        gained=gained,
        lost=lost,
    )


def compare(request: pb.ComparePoliciesRequest, default_resamples: int) -> pb.ComparePoliciesResponse:
    """Every policy's score, and every other policy against the baseline; raises InvalidArgument."""
    how = draws(request.num_resamples, default_resamples, request.seed, request.clusters)
    _check(request.outcomes, request.baseline)
    baseline = next(outcomes for outcomes in request.outcomes if outcomes.policy == request.baseline)
    differences = [difference(outcomes, baseline, how) for outcomes in request.outcomes if outcomes is not baseline]
    adjusted = statistics.holm([found.p_value for found in differences])
    for found, p_value in zip(differences, adjusted, strict=True):
        found.adjusted_p_value = p_value
    return pb.ComparePoliciesResponse(
        scores=[score(outcomes, how) for outcomes in request.outcomes],
        differences=differences,
        num_resamples=how.num_resamples,
        seed=how.seed,
    )


def by_task(outcomes: pb.PolicyOutcomes) -> dict[str, float]:
    """One reward per task: the given one, or the mean over its attempts."""
    means = {key: math.fsum(tried.rewards) / len(tried.rewards) for key, tried in outcomes.attempts.items()}
    return {**outcomes.rewards, **means}


def _check(all_outcomes: Sequence[pb.PolicyOutcomes], baseline: str) -> None:
    policies = [outcomes.policy for outcomes in all_outcomes]
    if len(set(policies)) != len(policies):
        raise InvalidArgument(f"outcomes name a policy twice: {', '.join(sorted(policies))}")
    if baseline not in policies:
        raise InvalidArgument(f"baseline {baseline!r} is not among the outcomes: {', '.join(policies) or 'none'}")
    for outcomes in all_outcomes:
        _check_rewards(outcomes)


def _check_rewards(outcomes: pb.PolicyOutcomes) -> None:
    if not outcomes.rewards and not outcomes.attempts:
        raise InvalidArgument(f"{outcomes.policy!r} has no rewards; evaluate it on at least one task")
    if twice := sorted(outcomes.rewards.keys() & outcomes.attempts.keys()):
        raise InvalidArgument(f"{outcomes.policy!r} has {twice[0]!r} in rewards and in attempts; give it once")
    given = {key: [reward] for key, reward in outcomes.rewards.items()}
    given |= {key: list(tried.rewards) for key, tried in outcomes.attempts.items()}
    for key, rewards in given.items():
        if not rewards:
            raise InvalidArgument(f"{outcomes.policy!r} has no attempt at {key!r}; leave the task out")
        for reward in rewards:
            if not (math.isfinite(reward) and 0 <= reward <= 1):
                raise InvalidArgument(f"{outcomes.policy!r} has the reward {reward} at {key!r}; they lie in [0, 1]")
