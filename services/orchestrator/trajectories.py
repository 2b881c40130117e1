"""What the store knows of a run: the orchestrator's memory of finished episodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory

if TYPE_CHECKING:
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceAsyncStub


async def of_run(
    store: TrajectoryServiceAsyncStub,
    run: str,
    phase: str = "",
    state: Trajectory.State.ValueType = Trajectory.STATE_UNSPECIFIED,
) -> AsyncIterator[Trajectory]:
    """Every trajectory of a run without its steps; UNSPECIFIED gives both states."""
    token = ""
    while True:
        request = pb.ListTrajectoriesRequest(parent=run, phase=phase, state=state, page_size=500, page_token=token)
        reply = await store.ListTrajectories(request)
        for trajectory in reply.trajectories:
            yield trajectory
        token = reply.next_page_token
        if not token:
            return


def task_key(trajectory: Trajectory) -> str:
    """The task as comparisons name it."""
    return f"{trajectory.world}:{trajectory.task_id}"


async def rewards(store: TrajectoryServiceAsyncStub, run: str, phase: str, split: str) -> dict[str, float]:
    """Reward by "{world}:{task_id}" of a phase's finished episodes on a split; several attempts are averaged."""
    found: dict[str, list[float]] = {}
    async for trajectory in of_run(store, run, phase, Trajectory.STATE_SUCCEEDED):
        if trajectory.split == split:
            found.setdefault(task_key(trajectory), []).append(trajectory.reward)
    return {key: sum(values) / len(values) for key, values in found.items()}
