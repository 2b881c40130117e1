"""The same rooms twice: embedded in the test's process, and each in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.common import rpc
from services.common.addresses import ROOMS, Addresses, socket_directory
from services.host.main import host


@contextlib.asynccontextmanager
async def embedded(home: Path) -> AsyncIterator[Addresses]:
    async with host(home, {}, []) as addresses:
        yield addresses


@contextlib.asynccontextmanager
async def processes(home: Path) -> AsyncIterator[Addresses]:
    addresses = Addresses(sockets=socket_directory(home))
    running = []
    for room in ROOMS:
        command = (sys.executable, "-m", "services.cli", "--home", str(home), "serve", room)
        running.append(await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL))
    try:
        for room in ROOMS[1:]:
            await serving(addresses.address(room))
        yield addresses
    finally:
        for process in running:
            process.terminate()
        await asyncio.gather(*(process.wait() for process in running))


async def serving(address: str) -> None:
    """Returns when a healthy server answers there."""
    async with aio.insecure_channel(address, options=(("grpc.max_reconnect_backoff_ms", 200),)) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest()
        reply = await stub.Check(request, wait_for_ready=True, timeout=120)
        assert reply.status == health_pb2.HealthCheckResponse.SERVING


@pytest.fixture(params=[embedded, processes], ids=["embedded", "processes"])
async def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Addresses]:
    async with request.param(tmp_path / "home") as found:
        yield found


@pytest.fixture
async def dial(addresses: Addresses) -> AsyncIterator[object]:
    channels: dict[str, aio.Channel] = {}

    def to(room: str) -> aio.Channel:
        return channels.setdefault(room, rpc.dial(addresses.address(room)))

    yield to
    for channel in channels.values():
        await channel.close()
