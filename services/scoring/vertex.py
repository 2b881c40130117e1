"""VERTEX_DTW: how like a reference an agent's trajectory is, from the embeddings of their steps.

The paper's formula. Reference R and trajectory T are aligned by dynamic time warping with cosine distance; over the
cells (i, j) of the path P, with the trivial agent's trajectory B:

    score = 1/|P| * sum [clip(k(R_i, T_j), 0, 1) - k(R_i, B_i) if i < |B|] / (1 + |i - j|),  k(x, y) = exp(-|x - y|^2)

Invariant: the path is exact and its ties are settled by rule, never by rounding: costs are whole multiples of 2^-40,
whose sums are exact, and of equally good predecessors the diagonal one is taken, then the one that stays at T_j. A
trajectory that equals its reference is therefore aligned step by step. fastdtw, which the paper used, leaves the
diagonal on a tie, and at its default radius of 1 its path is approximate: it missed the best one for 3 of
the benchmark's 812 pairs of 15 steps, and for 6 of 20 pairs of 30 random unit vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.common.errors import InvalidArgument

# One row per step.
Embeddings: TypeAlias = "NDArray[np.floating]"
_Numbers: TypeAlias = "NDArray[np.float64]"
_Whole: TypeAlias = "NDArray[np.int64]"
# Rows, columns, and which pairs they count for.
_Cells: TypeAlias = "tuple[_Whole, _Whole, NDArray[np.bool]]"

_UNIT = 2.0**40
_UNREACHABLE = np.int64(2**62)
# Cells of one block of alignments, all pairs together: 16 MB for each of its arrays.
_BLOCK_CELLS = 1 << 21


class Pair(NamedTuple):
    """What is compared: both have a step at least; an empty baseline takes nothing away."""

    reference: Embeddings
    test: Embeddings
    baseline: Embeddings | None = None


class Attempt(NamedTuple):
    """One attempt at a task, against every successful trajectory that stands as a reference for it."""

    references: Sequence[Embeddings]
    test: Embeddings | None
    baseline: Embeddings | None = None


def scores(pairs: Sequence[Pair]) -> list[float]:
    """Each pair's score, in order. Raises InvalidArgument for shapes that do not fit or numbers that are not finite."""
    for pair in pairs:
        _check(pair)
    found = [0.0] * len(pairs)
    # Alike sizes side by side: a block is padded to its largest.
    order = sorted(range(len(pairs)), key=lambda at: (len(pairs[at].reference), len(pairs[at].test)))
    for block in _blocks([(len(pairs[at].reference), len(pairs[at].test)) for at in order]):
        members = order[block]
        for at, score in zip(members, _block_scores([pairs[at] for at in members]), strict=True):
            found[at] = float(score)
    return found


def best(tasks: Sequence[Attempt]) -> list[float]:
    """Each attempt's highest score over its references, and 0 for a missing or empty trajectory, in order."""
    pairs, owners = [], []
    for at, task in enumerate(tasks):
        if not task.references:
            raise InvalidArgument("a task has no reference; leave it out: it does not count")
        if task.test is not None and len(task.test):
            pairs += [Pair(reference, task.test, task.baseline) for reference in task.references]
            owners += [at] * len(task.references)
    found: dict[int, float] = {}
    for at, score in zip(owners, scores(pairs), strict=True):
        found[at] = max(score, found.get(at, score))
    return [found.get(at, 0.0) for at in range(len(tasks))]


def align(costs: _Numbers) -> list[tuple[int, int]]:
    """The cheapest path through one table of costs (each in [0, 2]), from (0, 0) to its last cell."""
    whole = _whole(costs)[:, :, np.newaxis]
    shape = np.array([costs.shape])
    return [(int(i[0]), int(j[0])) for i, j, _ in _walk_back(_accumulated(whole), shape[:, 0], shape[:, 1])][::-1]


def _check(pair: Pair) -> None:
    widths = set()
    for name, rows in zip(Pair._fields, pair, strict=True):
        if rows is None or (name == "baseline" and not len(rows)):
            continue
        if rows.ndim != 2 or not all(rows.shape):
            raise InvalidArgument(f"the {name} has the shape {rows.shape}; give one row per step, a step at least")
        widths.add(rows.shape[1])
    if len(widths) > 1:
        wide = " and ".join(map(str, sorted(widths)))
        raise InvalidArgument(f"embeddings {wide} wide are compared; embed both trajectories with one model")


def _blocks(sizes: Sequence[tuple[int, int]]) -> Iterator[slice]:
    start, rows, columns = 0, 0, 0
    for at, (num_rows, num_columns) in enumerate(sizes):
        rows, columns = max(rows, num_rows), max(columns, num_columns)
        if at > start and rows * columns * (at + 1 - start) > _BLOCK_CELLS:
            yield slice(start, at)
            start, rows, columns = at, num_rows, num_columns
    if sizes:
        yield slice(start, len(sizes))


def _block_scores(pairs: Sequence[Pair]) -> _Numbers:
    num_rows = np.array([len(pair.reference) for pair in pairs])
    num_columns = np.array([len(pair.test) for pair in pairs])
    costs, terms = _tables(pairs, int(num_rows.max()), int(num_columns.max()))
    totals, lengths, every = np.zeros(len(pairs)), np.zeros(len(pairs)), np.arange(len(pairs))
    for i, j, on_path in _walk_back(_accumulated(costs), num_rows, num_columns):
        totals += np.where(on_path, terms[i, j, every], 0)
        lengths += on_path
    return totals / lengths


def _tables(pairs: Sequence[Pair], num_rows: int, num_columns: int) -> tuple[_Whole, _Numbers]:
    """What each cell costs the path and what it gives to the score, all pairs at once.

    Axes are row, column, pair, so that a cell is one run of memory; what pads a pair is never on its path.
    """
    dots = np.zeros((len(pairs), num_rows, num_columns))
    squares, others = np.zeros((num_rows, len(pairs))), np.zeros((num_columns, len(pairs)))
    # Where there is no baseline it is infinitely far away.
    to_baseline = np.full((num_rows, len(pairs)), np.inf)
    for at, pair in enumerate(pairs):
        reference, test = np.asarray(pair.reference, dtype=np.float64), np.asarray(pair.test, dtype=np.float64)
        rows, columns = len(reference), len(test)
        np.matmul(reference, test.T, out=dots[at, :rows, :columns])
        squares[:rows, at], others[:columns, at] = _finite(_squares(reference)), _finite(_squares(test))
        if pair.baseline is not None and len(pair.baseline):
            shared = min(rows, len(pair.baseline))
            to_baseline[:shared, at] = _finite(_squares(reference[:shared] - pair.baseline[:shared]))
    cells = np.ascontiguousarray(dots.transpose(1, 2, 0))
    lengths = np.sqrt(squares)[:, np.newaxis] * np.sqrt(others)
    # A row of zeros has no direction: its cosine is 0.
    cosines = np.clip(np.divide(cells, lengths, out=np.zeros_like(cells), where=lengths > 0), -1, 1)
    alike = np.exp(-np.maximum(squares[:, np.newaxis] + others - 2 * cells, 0))
    apart = np.abs(np.arange(num_rows)[:, np.newaxis] - np.arange(num_columns))
    return _whole(1 - cosines), (alike - np.exp(-to_baseline)[:, np.newaxis]) / (1 + apart)[:, :, np.newaxis]


def _squares(rows: _Numbers) -> _Numbers:
    squares: _Numbers = np.einsum("ij,ij->i", rows, rows)
    return squares


def _finite(numbers: _Numbers) -> _Numbers:
    if not np.isfinite(numbers).all():
        raise InvalidArgument("an embedding has a number that is not finite; the model that made it is broken")
    return numbers


def _whole(costs: _Numbers) -> _Whole:
    return np.rint(costs * _UNIT).astype(np.int64)


def _accumulated(costs: _Whole) -> _Whole:
    """Cost of the cheapest path to each cell, with a border before the first row and column."""
    num_rows, num_columns, num_pairs = costs.shape
    paid = np.full((num_rows + 1, num_columns + 1, num_pairs), _UNREACHABLE)
    paid[0, 0] = 0
    for i in range(num_rows):
        above = np.minimum(paid[i, :-1], paid[i, 1:])
        for j in range(num_columns):
            paid[i + 1, j + 1] = np.minimum(above[j], paid[i + 1, j]) + costs[i, j]
    return paid


def _walk_back(paid: _Whole, num_rows: _Whole, num_columns: _Whole) -> Iterator[_Cells]:
    """The cells of every pair's path, last first, with a mark of the pairs that still have one."""
    i, j, every = num_rows - 1, num_columns - 1, np.arange(paid.shape[2])
    while (on_path := i >= 0).any():
        row, column = np.maximum(i, 0), np.maximum(j, 0)
        yield row, column, on_path
        diagonal, up, left = paid[row, column, every], paid[row, column + 1, every], paid[row + 1, column, every]
        to_left = (left < diagonal) & (left < up)
        to_above = (up < diagonal) & ~to_left
        i, j = np.where(to_left, i, i - 1), np.where(to_above, j, j - 1)
