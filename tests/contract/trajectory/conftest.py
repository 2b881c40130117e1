"""A served store over real SQLite and a real directory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as pb_grpc
from services.common.rpc import dial, serve
from services.host.rooms.trajectory import open_room


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Any]:
    async with (
        open_room({}, dial, tmp_path) as mounts,
        serve(mounts, f"unix:{tmp_path}/t.sock") as address,
        dial(address) as channel,
    ):
        yield pb_grpc.TrajectoryServiceStub(channel)


@pytest.fixture
def make() -> Callable[..., pb.Trajectory]:
    def trajectory(episode: str = "e1", attempt: int = 1, num_steps: int = 2, **fields: Any) -> pb.Trajectory:
        run = fields.pop("run", "iterations/i1")
        fields.setdefault("state", pb.Trajectory.STATE_SUCCEEDED)
        return pb.Trajectory(
            name=f"{run}/trajectories/{episode}-{attempt}",
            episode=f"{run}/episodes/{episode}",
            attempt=attempt,
            steps=[
                pb.Step(index=k, prompt=f"prompt {k}", response=f"ACTION: click [{k}]", action=f"click [{k}]")
                for k in range(num_steps)
            ],
            **fields,
        )

    return trajectory
