"""VERTEX_DTW against numbers worked by hand, a plain double loop, and fastdtw."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fastdtw import fastdtw
from scipy.spatial.distance import cdist, cosine

from services.common.errors import InvalidArgument
from services.scoring import vertex

A, B, C = [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]
MINUS_A = [-1.0, 0, 0]
# k of two directions at a right angle, and of two opposite ones.
RIGHT, OPPOSITE = math.exp(-2), math.exp(-4)


def steps(*rows: list[float]) -> np.ndarray:
    return np.array(rows)


def score(reference, test, baseline=None):
    return vertex.scores([vertex.Pair(reference, test, baseline)])[0]


def walks(rng, num_rows, size=8):
    """Unit rows that drift, as the pages of one task do."""
    rows = np.cumsum(rng.normal(size=(num_rows, size)), axis=0)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("reference", "test", "baseline", "by_hand"),
    [
        # The same steps, and nothing taken away: every term is 1.
        ([A, B, C], [A, B, C], None, 1),
        ([A], [A], None, 1),
        ([A], [B], None, RIGHT),
        ([A], [MINUS_A], None, OPPOSITE),
        # Path (0,0) (1,0): the second cell is one off the diagonal.
        ([A, B], [A], None, (1 + RIGHT / 2) / 2),
        ([A], [A, B], None, (1 + RIGHT / 2) / 2),
        # Path (0,0) (1,1) (1,2) (1,3): 1, 1, 1/2, 1/3.
        ([A, B], [A, B, B, B], None, (1 + 1 + 1 / 2 + 1 / 3) / 4),
        # Over [A, C] the middle B costs the same at (1,0) and (1,1); the diagonal way back from (2,1) goes to (1,0).
        ([A, B, C], [A, C], None, (1 + RIGHT / 2 + 1 / 2) / 3),
        # As cheap by (1,0) or by (0,1) as straight down the diagonal.
        ([A, A], [A, B], None, (1 + RIGHT) / 2),
        ([A, B], [A, A], None, (1 + RIGHT) / 2),
        # A baseline shorter than the reference takes away from its own steps only.
        ([A, B], [A, B], [A], ((1 - 1) + 1) / 2),
        ([A, B], [A, B], [C], ((1 - RIGHT) + 1) / 2),
        # One longer than the reference is cut.
        ([A, B], [A, B], [B, B, B], ((1 - RIGHT) + (1 - 1)) / 2),
        # What is taken away stands at the reference's step, whichever step it is aligned with.
        ([A, B], [A, B, B], [C, B], ((1 - RIGHT) + (1 - 1) + (1 - 1) / 2) / 3),
        # Nothing like the reference, and the baseline exactly it: below zero.
        ([A], [B], [A], RIGHT - 1),
        ([A, B], [A, B], [], 1),
    ],
)
def test_the_formula_gives_what_it_gives_by_hand(reference, test, baseline, by_hand):
    taken = None if baseline is None else np.array(baseline).reshape(-1, 3)
    assert score(steps(*reference), steps(*test), taken) == pytest.approx(by_hand, abs=1e-12)


def test_longer_vectors_are_further_apart_but_aligned_by_direction():
    assert score(steps([2.0, 0]), steps([1.0, 0])) == pytest.approx(math.exp(-1))
    assert vertex.align(np.array([[0.0, 1.0], [1.0, 0.0]])) == [(0, 0), (1, 1)]
    path = [(0, 0), (1, 1), (1, 2)]
    costs = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.2]])
    assert vertex.align(costs) == path


def test_a_step_without_direction_is_at_a_right_angle_to_everything():
    """fastdtw and scipy answer nan here; by hand: k = exp(-1) against a unit vector, 1 against another zero."""
    zero = [0.0, 0, 0]
    assert score(steps(zero), steps(A)) == pytest.approx(math.exp(-1))
    assert score(steps(zero), steps(zero)) == 1


def test_repeated_steps_stay_on_the_diagonal_where_fastdtw_leaves_it():
    same = steps(A, A, A)
    assert score(same, same) == 1
    _, path = fastdtw(same, same, radius=3, dist=cosine)
    assert len(path) == 5


def test_the_path_does_not_depend_on_rounding():
    """Costs that differ in their last bits only are ties: 0.1 + 0.2 is not 0.3 in floating point."""
    costs = np.array([[0.3, 0.3, 0.9], [0.1, 0.2, 0.3], [0.9, 0.3, 0.1 + 0.2]])
    noisy = costs + np.random.default_rng(0).normal(scale=1e-15, size=costs.shape)
    assert vertex.align(noisy) == vertex.align(costs) == [(0, 0), (1, 1), (2, 2)]


def by_loops(reference, test, baseline):
    """The paper's formula as it is written, over fastdtw's path at the radius at which it is exact."""
    _, path = fastdtw(reference, test, radius=max(len(reference), len(test)), dist=cosine)
    total = 0.0
    for i, j in path:
        alike = min(max(math.exp(-float(np.sum((reference[i] - test[j]) ** 2))), 0), 1)
        taken = math.exp(-float(np.sum((reference[i] - baseline[i]) ** 2))) if i < len(baseline) else 0
        total += (alike - taken) / (1 + abs(i - j))
    return total / len(path)


def test_many_pairs_at_once_score_as_fastdtw_and_loops_say(monkeypatch):
    rng = np.random.default_rng(3)
    lengths = [(1, 1), (1, 9), (9, 1), (30, 30), (2, 17), (16, 3), *map(tuple, rng.integers(1, 20, size=(30, 2)))]
    pairs = [vertex.Pair(walks(rng, n), walks(rng, m), walks(rng, int(rng.integers(1, 6)))) for n, m in lengths]
    expected = [by_loops(*pair) for pair in pairs]
    assert vertex.scores(pairs) == pytest.approx(expected, abs=1e-9)
    monkeypatch.setattr(vertex, "_BLOCK_CELLS", 64)
    assert vertex.scores(pairs) == pytest.approx(expected, abs=1e-9)
    assert [score(*pair) for pair in pairs] == pytest.approx(expected, abs=1e-9)


def test_fastdtws_default_radius_misses_the_best_path():
    """Why the paper's own numbers may differ: its alignment is approximate. Rare at 15 steps, not at 30."""
    rng = np.random.default_rng(0)
    worse = 0
    for _ in range(20):
        one, other = (
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in rng.normal(size=(2, 30, 8))
        )
        costs = cdist(one, other, "cosine")
        exact = sum(costs[cell] for cell in vertex.align(costs))
        approximate, _ = fastdtw(one, other, dist=cosine)
        assert exact <= approximate + 1e-9
        worse += approximate > exact + 1e-6
    assert worse


def test_the_best_reference_counts_and_a_missing_trajectory_scores_nothing():
    references = [steps(B, B), steps(A, C), steps(A)]
    attempts = [
        vertex.Attempt(references, None),
        vertex.Attempt(references, steps(A, C), steps(B)),
        vertex.Attempt(references, np.empty((0, 3))),
        # Worse than giving up, and still the attempt's score: only what is missing scores 0.
        vertex.Attempt([steps(A)], steps(B), steps(A)),
    ]
    assert vertex.best(attempts) == pytest.approx([0, ((1 - RIGHT) + 1) / 2, 0, RIGHT - 1])
    with pytest.raises(InvalidArgument, match="no reference"):
        vertex.best([vertex.Attempt([], steps(A))])


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        (vertex.Pair(steps(A), np.ones((1, 2))), "2 and 3 wide"),
        (vertex.Pair(steps(A), steps(A), np.ones((1, 5))), "3 and 5 wide"),
        (vertex.Pair(np.empty((0, 3)), steps(A)), "the reference has the shape"),
        (vertex.Pair(steps(A), np.ones(3)), "the test has the shape"),
        (vertex.Pair(steps(A), steps([math.nan, 0, 0])), "not finite"),
        (vertex.Pair(steps(A), steps(A), steps([math.inf, 0, 0])), "not finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(pair, says):
    with pytest.raises(InvalidArgument, match=says):
        vertex.scores([pair])


def test_nothing_to_compare_is_no_score():
    assert vertex.scores([]) == []
