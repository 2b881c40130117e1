"""VERTEX_DTW's score as others would compute it: fastdtw, as the paper did, dtaidistance, and plain NumPy.

All share one fast kernel over the path, so that only the alignment differs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from dtaidistance import dtw
from fastdtw import fastdtw
from scipy.spatial.distance import cosine

from services.scoring.vertex import Pair

Path = Sequence[Sequence[int]]


def by_fastdtw(pair: Pair, radius: int) -> float:
    """Exact once the radius reaches the trajectories' length."""
    return score(pair, fastdtw(pair.reference, pair.test, radius=radius, dist=cosine)[1])


def by_dtaidistance(pair: Pair) -> float:
    """Its compiled warping of vectors; expects rows of length 1, whose squared distance is twice the cosine's."""
    reference, test = pair.reference.astype(np.float64), pair.test.astype(np.float64)
    return score(pair, dtw.warping_path_fast(reference, test, use_ndim=True))


def by_numpy(pair: Pair) -> float:
    """Distances at once, then the recurrence cell by cell; expects rows of length 1."""
    costs = 1 - pair.reference.astype(np.float64) @ pair.test.astype(np.float64).T
    num_rows, num_columns = costs.shape
    paid = np.full((num_rows + 1, num_columns + 1), np.inf)
    paid[0, 0] = 0
    for i in range(num_rows):
        for j in range(num_columns):
            paid[i + 1, j + 1] = costs[i, j] + min(paid[i, j], paid[i, j + 1], paid[i + 1, j])
    path, i, j = [], num_rows, num_columns
    while i and j:
        path.append((i - 1, j - 1))
        moves = ((i - 1, j - 1), (i - 1, j), (i, j - 1))
        i, j = min(moves, key=lambda cell: paid[cell])
    return score(pair, path)


def score(pair: Pair, path: Path) -> float:
    """The formula over a given path."""
    reference, test = pair.reference.astype(np.float64), pair.test.astype(np.float64)
    rows, columns = np.array(path).T
    taken = np.zeros(len(reference))
    if pair.baseline is not None:
        shared = min(len(reference), len(pair.baseline))
        taken[:shared] = np.exp(-((reference[:shared] - pair.baseline[:shared]) ** 2).sum(axis=1))
    alike = np.exp(-((reference[rows] - test[columns]) ** 2).sum(axis=1))
    return float(((np.clip(alike, 0, 1) - taken[rows]) / (1 + np.abs(rows - columns))).mean())
