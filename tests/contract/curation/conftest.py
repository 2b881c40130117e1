"""Curation, scoring and the store, each on its own socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ratchet.curation.v1.curation_service_pb2_grpc import CurationServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common.rpc import dial, serve
from services.host.rooms import curation, scoring, trajectory


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    async with AsyncExitStack() as stack:
        channels: dict[str, Any] = {}

        def to(room: str) -> Any:
            if room not in channels:
                channels[room] = dial(f"unix:{tmp_path}/{room}.sock")
            return channels[room]

        for name, module in (("trajectory", trajectory), ("scoring", scoring), ("curation", curation)):
            mounts = await stack.enter_async_context(module.open_room({}, to, tmp_path))
            await stack.enter_async_context(serve(mounts, f"unix:{tmp_path}/{name}.sock"))
        yield SimpleNamespace(
            store=TrajectoryServiceStub(to("trajectory")), curation=CurationServiceStub(to("curation"))
        )
        for channel in channels.values():
            await channel.close()


@pytest.fixture
def attempt() -> Callable[..., pb.Trajectory]:
    def make(task: int, *actions: str, run: str = "iterations/i1", n: int = 1, **fields: Any) -> pb.Trajectory:
        fields.setdefault("stop_reason", "answered")
        return pb.Trajectory(
            name=f"{run}/trajectories/e{task}-{n}-1",
            episode=f"{run}/episodes/e{task}-{n}",
            attempt=1,
            state=pb.Trajectory.STATE_SUCCEEDED,
            suite="arena",
            world="train/1",
            task_id=str(task),
            phase="collect",
            policy="policies/base",
            steps=[
                pb.Step(index=k, prompt=f"{run} {task} {n} {k}", response=f"so\nACTION: {action}", action=action)
                for k, action in enumerate(actions)
            ],
            **fields,
        )

    return make
