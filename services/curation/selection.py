"""Which plausible attempts are trained on.

Invariant: no two attempts at one task took the same actions; by the paper's rule ("first") they also come from one run,
the first in order that has a plausible one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb

FIRST, LATEST, ALL = "first", "latest", "all"
PRECEDENCES = (FIRST, LATEST, ALL)


class Task(NamedTuple):
    """What makes two attempts ones at the same task."""

    suite: str
    world: str
    task_id: str


def task_of(trajectory: trajectory_pb.Trajectory) -> Task:
    """The task that the attempt was at."""
    return Task(trajectory.suite, trajectory.world, trajectory.task_id)


def choose(
    runs: Sequence[Sequence[trajectory_pb.Trajectory]], precedence: str = FIRST
) -> list[trajectory_pb.Trajectory]:
    """The attempts to keep, of each run's plausible ones; runs come oldest first."""
    winner: dict[Task, int] = {}
    taken: set[tuple[Task, tuple[str, ...]]] = set()
    kept = []
    ordered = list(enumerate(runs))
    for place, plausible in ordered[::-1] if precedence == LATEST else ordered:
        for trajectory in sorted(plausible, key=lambda attempt: attempt.name):
            task = task_of(trajectory)
            if winner.setdefault(task, place) != place and precedence != ALL:
                continue
            way = (task, tuple(step.action for step in trajectory.steps))
            if way not in taken:
                taken.add(way)
                kept.append(trajectory)
    return kept
