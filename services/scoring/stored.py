"""Stored attempts, as a request selects them.

Invariant: only attempts that ran to their end are seen; one request reads at most so many, a page at a time.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument


class Stored:
    """The trajectory room, read through its stub."""

    def __init__(self, store: Any, max_trajectories: int) -> None:
        self._store, self._max_trajectories = store, max_trajectories

    async def pages(
        self, selection: pb.Selection, *, with_steps: bool, may_be_empty: bool = False
    ) -> AsyncIterator[list[trajectory_pb.Trajectory]]:
        """The selected attempts, none without parents; order and page sizes are the store's.

        Raises InvalidArgument where there are too many, and where there are none in the parents unless `may_be_empty`.
        """
        num_left = self._max_trajectories
        for parent in dict.fromkeys(selection.parents):
            if not parent:
                raise InvalidArgument("a parent is empty; runs are iterations/<id> or evaluations/<id>")
            token = ""
            while True:
                page = await self._store.ListTrajectories(
                    trajectory_pb.ListTrajectoriesRequest(
                        parent=parent,
                        phase=selection.phase,
                        policy=selection.policy,
                        split=selection.split,
                        state=trajectory_pb.Trajectory.STATE_SUCCEEDED,
                        with_steps=with_steps,
                        page_token=token,
                    )
                )
                num_left -= len(page.trajectories)
                if num_left < 0:
                    raise InvalidArgument(
                        f"{selection.label or 'the selection'!r} has more than {self._max_trajectories} trajectories; "
                        "narrow it by phase, policy or split, or raise max_trajectories of [scoring]"
                    )
                yield list(page.trajectories)
                if not (token := page.next_page_token):
                    break
        if selection.parents and num_left == self._max_trajectories and not may_be_empty:
            raise InvalidArgument(
                f"{selection.label or 'the selection'!r} has no finished attempts in {', '.join(selection.parents)}; "
                "check the runs' names, phase, policy and split"
            )


def check(selections: Iterable[pb.Selection]) -> None:
    """Raise InvalidArgument unless there are selections, each with runs and a label of its own."""
    labels = [selection.label for selection in selections]
    if not labels:
        raise InvalidArgument("agents is empty; name the runs of at least one agent")
    for selection in selections:
        if not selection.label:
            raise InvalidArgument("an agent has no label; give each a name, as that of its policy")
        if not selection.parents:
            raise InvalidArgument(f"{selection.label!r} has no parents; name the runs whose attempts are meant")
    if len(set(labels)) != len(labels):
        raise InvalidArgument(f"agents have a label twice: {', '.join(sorted(labels))}")


def task_key(trajectory: trajectory_pb.Trajectory) -> str:
    """The task as comparisons name it."""
    return f"{trajectory.world}:{trajectory.task_id}"


def task_of(trajectory: trajectory_pb.Trajectory) -> dict[str, Any]:
    """The task as it was written; {} where none was kept. Raises InvalidArgument."""
    if not trajectory.task_json:
        return {}
    try:
        task = json.loads(trajectory.task_json)
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"task_json of {trajectory.name} is not JSON: {error}") from error
    if not isinstance(task, dict):
        raise InvalidArgument(f"task_json of {trajectory.name} is not an object")
    return task
