"""Estimates and tests on plain numbers, against what is worked out by hand or by scipy."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from services.scoring import statistics


def test_an_interval_does_not_depend_on_how_draws_are_made(monkeypatch):
    values = np.random.default_rng(0).integers(0, 30, size=70) / 30
    by_frequency = statistics.interval(values, 20_000, 3)
    monkeypatch.setattr(statistics, "_FEW", 0)
    by_place = statistics.interval(values, 20_000, 3)
    monkeypatch.setattr(statistics, "_BLOCK", 700)
    in_blocks = statistics.interval(values, 20_000, 3)
    assert by_place == pytest.approx(by_frequency, abs=0.01)
    assert in_blocks == pytest.approx(by_frequency, abs=0.01)


@pytest.mark.parametrize("num_values", [50, 300])
def test_an_interval_is_the_percentile_bootstraps(num_values):
    values = np.random.default_rng(1).normal(size=num_values)
    peer = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=2).confidence_interval
    ours = statistics.interval(values, 20_000, 2)
    assert ours == pytest.approx((peer.low, peer.high), abs=0.06 * (peer.high - peer.low))


def test_the_order_of_values_does_not_matter():
    values = np.random.default_rng(0).random(200)
    labels = [str(n % 70) for n in range(200)]
    assert statistics.interval(values, 2_000, 1) == statistics.interval(values[::-1], 2_000, 1)
    assert statistics.interval(values, 2_000, 1, labels) == pytest.approx(
        statistics.interval(values[::-1], 2_000, 1, labels[::-1]), abs=1e-9
    )


def test_clusters_of_different_sizes_weigh_as_their_values_do():
    """Two clusters, three ones and one zero: a resample is all ones, all zeros, or both, whose mean is 3/4."""
    values = np.array([1.0, 1, 1, 0])
    rng = np.random.default_rng(0)
    means = statistics._means(np.array([[3.0, 3], [0, 1]]), np.array([1, 1]), 4_000, rng)
    found, counts = np.unique(means, return_counts=True)
    assert list(found) == [0, 0.75, 1]
    assert counts / 4_000 == pytest.approx([1 / 4, 1 / 2, 1 / 4], abs=0.03)
    assert statistics.interval(values, 1_000, 0, ["a", "a", "a", "b"]) == (0, 1)


@pytest.mark.parametrize(("gained", "lost"), [(g, n) for g in range(7) for n in range(7)])
def test_mcnemar_is_the_exact_two_sided_binomial(gained, lost):
    n, few = gained + lost, min(gained, lost)
    by_hand = min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
    assert statistics.mcnemar(gained, lost) == pytest.approx(by_hand)


def test_holm_steps_down_and_never_back():
    assert statistics.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.holm([0.5, 0.9]) == pytest.approx([1, 1])
    assert statistics.holm([0.02]) == [0.02]
    assert statistics.holm([]) == []


@pytest.mark.parametrize("solved", range(6))
@pytest.mark.parametrize("k", range(1, 6))
def test_pass_at_k_is_the_share_of_draws_with_a_solved_one(k, solved):
    attempts = [1] * solved + [0] * (5 - solved)
    drawn = list(itertools.combinations(attempts, k))
    assert statistics.pass_at(k, 5, solved) == pytest.approx(sum(map(any, drawn)) / len(drawn))


def test_the_error_of_attempts_is_that_of_their_means():
    """Two tasks: variances 1/2 over 2 and 0 over 3."""
    assert statistics.attempt_error([[1, 0], [1, 1, 1]]) == pytest.approx((1 / 4) ** 0.5 / 2)
    assert statistics.attempt_error([[1, 0], [1]]) is None
    assert statistics.attempt_error([]) is None
