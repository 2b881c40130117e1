"""Scores with honest intervals, and policies compared on the same tasks.

Invariant: the same rewards and seed give the same numbers, in whichever order policies and tasks arrive.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import InvalidArgument

MIN_RESAMPLES = 1_000
MAX_RESAMPLES = 1_000_000
_PERCENTILES = (2.5, 97.5)
# Draws held in memory at once.
_BLOCK = 4_000_000

Values: TypeAlias = "NDArray[np.float64]"


def interval(values: Values, num_resamples: int, seed: int) -> pb.Interval:
    """95 % percentile bootstrap interval of the mean over the values (one per task)."""
    rng, num_values = np.random.default_rng(seed), len(values)
    means = np.empty(num_resamples)
    rows = max(1, _BLOCK // num_values)
    for start in range(0, num_resamples, rows):
        stop = min(start + rows, num_resamples)
        drawn = rng.integers(0, num_values, size=(stop - start, num_values), dtype=np.int32)
        means[start:stop] = values[drawn].mean(axis=1)
    low, high = np.percentile(means, _PERCENTILES)
    return pb.Interval(low=float(low), high=float(high))


def score(outcomes: pb.PolicyOutcomes, num_resamples: int, seed: int) -> pb.PolicyScore:
    """One policy's score over its tasks."""
    values = _values(outcomes.rewards, sorted(outcomes.rewards))
    return pb.PolicyScore(
        policy=outcomes.policy,
        num_tasks=len(values),
        num_solved=float(values.sum()),
        mean=float(values.mean()),
        interval=interval(values, num_resamples, seed),
    )


def difference(
    outcomes: pb.PolicyOutcomes, baseline: pb.PolicyOutcomes, num_resamples: int, seed: int
) -> pb.PairedDifference:
    """A policy against the baseline on their common tasks.

    The p-value is exact McNemar's, two-sided; where attempts were averaged it is the sign test of which it is a case.
    """
    keys = sorted(outcomes.rewards.keys() & baseline.rewards.keys())
    if not keys:
        raise InvalidArgument(
            f"{outcomes.policy!r} and {baseline.policy!r} have no task in common; evaluate both on the same tasks"
        )
    change = _values(outcomes.rewards, keys) - _values(baseline.rewards, keys)
    gained = [key for key, value in zip(keys, change, strict=True) if value > 0]
    lost = [key for key, value in zip(keys, change, strict=True) if value < 0]
    return pb.PairedDifference(
        policy=outcomes.policy,
        baseline=baseline.policy,
        num_tasks=len(keys),
        mean=float(change.mean()),
        interval=interval(change, num_resamples, seed),
        p_value=mcnemar(len(gained), len(lost)),
        gained=gained,
        lost=lost,
    )


def mcnemar(num_gained: int, num_lost: int) -> float:
    """Exact two-sided p-value of so many changes each way; 1 when nothing changed."""
    if not num_gained + num_lost:
        return 1.0
    return float(binomtest(num_gained, num_gained + num_lost, 0.5).pvalue)


def compare(request: pb.ComparePoliciesRequest, default_resamples: int) -> pb.ComparePoliciesResponse:
    """Every policy's score, and every other policy against the baseline; raises InvalidArgument."""
    num_resamples = request.num_resamples or default_resamples
    _check(request.outcomes, request.baseline, num_resamples)
    baseline = next(outcomes for outcomes in request.outcomes if outcomes.policy == request.baseline)
    return pb.ComparePoliciesResponse(
        scores=[score(outcomes, num_resamples, request.seed) for outcomes in request.outcomes],
        differences=[
            difference(outcomes, baseline, num_resamples, request.seed)
            for outcomes in request.outcomes
            if outcomes is not baseline
        ],
        num_resamples=num_resamples,
        seed=request.seed,
    )


def _check(all_outcomes: Sequence[pb.PolicyOutcomes], baseline: str, num_resamples: int) -> None:
    if not MIN_RESAMPLES <= num_resamples <= MAX_RESAMPLES:
        raise InvalidArgument(
            f"num_resamples is {num_resamples}; give {MIN_RESAMPLES} to {MAX_RESAMPLES}, or 0 for the default"
        )
    policies = [outcomes.policy for outcomes in all_outcomes]
    if len(set(policies)) != len(policies):
        raise InvalidArgument(f"outcomes name a policy twice: {', '.join(sorted(policies))}")
    if baseline not in policies:
        raise InvalidArgument(f"baseline {baseline!r} is not among the outcomes: {', '.join(policies) or 'none'}")
    for outcomes in all_outcomes:
        if not outcomes.rewards:
            raise InvalidArgument(f"{outcomes.policy!r} has no rewards; evaluate it on at least one task")
        for key, reward in outcomes.rewards.items():
            if not (math.isfinite(reward) and 0 <= reward <= 1):
                raise InvalidArgument(f"{outcomes.policy!r} has the reward {reward} at {key!r}; they lie in [0, 1]")


def _values(rewards: Mapping[str, float], keys: Sequence[str]) -> Values:
    return np.array([rewards[key] for key in keys], dtype=np.float64)
