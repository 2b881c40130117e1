"""Curation, scoring and the store, each on its own socket; serving where a test brings one."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ratchet.curation.v1.curation_service_pb2_grpc import CurationServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common.rpc import Mount, dial, serve
from services.host.rooms import curation, scoring, serving, trajectory


@asynccontextmanager
async def opened(home: Path, *, model: Mount | str = "", **settings: Any) -> AsyncIterator[SimpleNamespace]:
    """The rooms on that home; `model` is one to serve, or a servicer in its place; settings are curation's."""
    async with AsyncExitStack() as stack:
        channels: dict[str, Any] = {}

        def to(room: str, _address: str = "") -> Any:
            if room not in channels:
                channels[room] = dial(f"unix:{home}/{room}.sock")
            return channels[room]

        async def listen(room: str, mounts: list[Mount]) -> None:
            await stack.enter_async_context(serve(mounts, f"unix:{home}/{room}.sock"))

        built: list[tuple[str, Any, dict[str, Any]]] = [("trajectory", trajectory, {}), ("scoring", scoring, {})]
        if isinstance(model, Mount):
            await listen("serving", [model])
        elif model:
            built.append(("serving", serving, {"model": model}))
        for name, module, table in (*built, ("curation", curation, settings)):
            await listen(name, await stack.enter_async_context(module.open_room(table, to, home)))
        yield SimpleNamespace(
            store=TrajectoryServiceStub(to("trajectory")), curation=CurationServiceStub(to("curation"))
        )
        for channel in channels.values():
            await channel.close()


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    async with opened(tmp_path) as found:
        yield found


@pytest.fixture
def open_rooms(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[SimpleNamespace]]:
    """Opens the rooms with a model: open_rooms(model=..., **settings of curation)."""
    return functools.partial(opened, tmp_path)


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
