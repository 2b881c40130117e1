"""A server that is to stop lets running calls end for as long as it was told, and no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as pb_grpc
from services.common.errors import Unavailable
from services.common.rpc import Mount, dial, serve


class Slow(pb_grpc.TrajectoryServiceServicer):
    """Answers when it is let."""

    def __init__(self) -> None:
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def GetDataset(self, request: Any, context: Any) -> pb.GetDatasetResponse:
        self.asked.set()
        await self.let.wait()
        return pb.GetDatasetResponse()


@pytest.fixture
async def open_stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("drain_s", [60.0, 0.0])
async def test_a_call_that_runs_when_the_server_stops_has_the_drain_to_end(
    tmp_path: Path, drain_s: float, open_stack: AsyncExitStack
) -> None:
    slow, server = Slow(), AsyncExitStack()
    mount = Mount(pb_grpc.add_TrajectoryServiceServicer_to_server, slow, "ratchet.trajectory.v1.TrajectoryService")
    address = await server.enter_async_context(serve([mount], f"unix:{tmp_path}/s.sock", drain_s))
    channel = dial(address)
    open_stack.push_async_callback(channel.close)
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
    health = aiter(watch)
    assert (await anext(health)).status == health_pb2.HealthCheckResponse.SERVING
    call = asyncio.ensure_future(pb_grpc.TrajectoryServiceStub(channel).GetDataset(pb.GetDatasetRequest(), timeout=3))
    await slow.asked.wait()
    stopping = asyncio.create_task(server.aclose())
    assert (await anext(health)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()
    if drain_s:
        slow.let.set()
        assert await call == pb.GetDatasetResponse()
    else:
        with pytest.raises(Unavailable):
            await call
    await stopping
