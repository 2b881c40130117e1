"""Intervals, tests and estimates on plain numbers.

Invariant: what is drawn at random is fixed by the seed and by the multiset of values; their order does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

_PERCENTILES = (2.5, 97.5)
# Draws held in memory at once.
_BLOCK = 4_000_000
# Up to so many different values it is cheaper to draw how often each one comes than to draw every place.
_FEW = 64

Values: TypeAlias = "NDArray[np.float64]"


class Bounds(NamedTuple):
    """An interval's ends."""

    low: float
    high: float


def interval(values: Values, num_resamples: int, seed: int, clusters: Sequence[str] | None = None) -> Bounds:
    """95 % percentile bootstrap interval of the mean over the values (one per task).

    With `clusters` (a label per value) whole clusters are drawn: values that stand and fall together, as tasks of one
    template do, are then not taken for independent ones.
    """
    labels = np.arange(len(values)) if clusters is None else np.unique(np.array(clusters), return_inverse=True)[1]
    totals: Values = np.stack([np.bincount(labels, weights=values), np.bincount(labels).astype(np.float64)], axis=1)
    kinds, frequencies = np.unique(totals, axis=0, return_counts=True)
    low, high = np.percentile(_means(kinds, frequencies, num_resamples, np.random.default_rng(seed)), _PERCENTILES)
    return Bounds(float(low), float(high))


def _means(kinds: Values, frequencies: NDArray[np.int64], num_resamples: int, rng: np.random.Generator) -> Values:
    """Means of resamples. `kinds`: the different (sum, size) of clusters; `frequencies`: clusters of each kind."""
    num_clusters = int(frequencies.sum())
    if len(kinds) <= _FEW:
        drawn = rng.multinomial(num_clusters, frequencies / num_clusters, size=num_resamples) @ kinds
        few: Values = drawn[:, 0] / drawn[:, 1]
        return few
    clusters = np.repeat(kinds, frequencies, axis=0)
    means = np.empty(num_resamples)
    rows = max(1, _BLOCK // num_clusters)
    for start in range(0, num_resamples, rows):
        stop = min(start + rows, num_resamples)
        places = rng.integers(0, num_clusters, size=(stop - start, num_clusters), dtype=np.int32)
        means[start:stop] = clusters[:, 0][places].sum(axis=1) / clusters[:, 1][places].sum(axis=1)
    return means


def mcnemar(num_gained: int, num_lost: int) -> float:
    """Exact two-sided p-value of so many changes each way; 1 when nothing changed."""
    if not num_gained + num_lost:
        return 1.0
    return float(binomtest(num_gained, num_gained + num_lost, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction: each at most the chance of any false discovery among all, in the given order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, reached = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        reached = max(reached, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = reached
    return adjusted


def pass_at(k: int, num_attempts: int, num_solved: int) -> float:
    """Unbiased chance that one of k attempts solves the task, from `num_attempts` >= k of which `num_solved` did."""
    return 1 - math.comb(num_attempts - num_solved, k) / math.comb(num_attempts, k)


def attempt_error(rewards: Sequence[Sequence[float]]) -> float | None:
    """Standard error of the mean over tasks of their mean rewards that comes from the attempts alone, tasks held fixed.

    None unless every task has two attempts: one says nothing of how another would have gone.
    """
    if min(map(len, rewards), default=0) < 2:
        return None
    variances = [float(np.var(of_task, ddof=1)) / len(of_task) for of_task in rewards]
    return math.sqrt(math.fsum(variances)) / len(rewards)
