"""Which plausible attempts are trained on.

Invariant: all attempts at one task come from one run, the first in order that has a plausible one, and no two of them
took the same actions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb


class Task(NamedTuple):
    """What makes two attempts ones at the same task."""

    suite: str
    world: str
    task_id: str


def task_of(trajectory: trajectory_pb.Trajectory) -> Task:
    """The task that the attempt was at."""
    return Task(trajectory.suite, trajectory.world, trajectory.task_id)


def choose(runs: Iterable[Sequence[trajectory_pb.Trajectory]]) -> list[trajectory_pb.Trajectory]:
    """The attempts to keep, of each run's plausible ones; runs come in order of preference."""
    winner: dict[Task, int] = {}
    taken: set[tuple[Task, tuple[str, ...]]] = set()
    kept = []
    for place, plausible in enumerate(runs):
        for trajectory in sorted(plausible, key=lambda attempt: attempt.name):
            task = task_of(trajectory)
            if winner.setdefault(task, place) != place:
                continue
            way = (task, tuple(step.action for step in trajectory.steps))
            if way not in taken:
                taken.add(way)
                kept.append(trajectory)
    return kept
