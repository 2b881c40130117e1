"""Which of a room's processes takes a call that has a key: always the same one, while it is there and has a place."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import grpc
import pytest
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.common import rpc

KEYS = [f"task-{number}" for number in range(40)]


class Process(health_pb2_grpc.HealthServicer):
    """Answers health checks, and remembers the keys of who asked."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def Check(self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext):
        self.keys.append(dict(context.invocation_metadata())["x-ratchet-affinity"])
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


class Room:
    """Three processes of one room behind one address, as a headless service gives it."""

    def __init__(self) -> None:
        self.processes = [Process() for _ in range(3)]
        self.servers: list[aio.Server] = []
        self._ports: list[int] = []

    async def start(self, stack: AsyncExitStack) -> None:
        for process in self.processes:
            server = aio.server()
            health_pb2_grpc.add_HealthServicer_to_server(process, server)
            self._ports.append(server.add_insecure_port("127.0.0.1:0"))
            await server.start()
            stack.push_async_callback(server.stop, None)
            self.servers.append(server)
        channel = rpc.dial("ipv4:" + ",".join(f"127.0.0.1:{port}" for port in self._ports), keyed=True)
        stack.push_async_callback(channel.close)
        self._stub = health_pb2_grpc.HealthStub(channel)

    async def ask(self, key: str, num_refusals: int = 0) -> None:
        request = health_pb2.HealthCheckRequest()
        await self._stub.Check(request, timeout=20, metadata=rpc.keyed(key, num_refusals))

    def taken(self) -> dict[str, int]:
        """By which process each key was taken; fails where it was not one alone."""
        found: dict[str, int] = {}
        for number, process in enumerate(self.processes):
            for key in process.keys:
                assert found.setdefault(key, number) == number, f"{key} went to two processes"
            process.keys.clear()
        return found


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with AsyncExitStack() as stack:
        made = Room()
        await made.start(stack)
        await asyncio.gather(*(made.ask("warm") for _ in range(10)))
        made.taken()
        yield made


async def test_a_key_keeps_to_its_process_and_all_processes_have_some(room: Room) -> None:
    await asyncio.gather(*(room.ask(key) for key in KEYS for _ in range(4)))
    shares = Counter(room.taken().values())
    assert set(shares) == {0, 1, 2}
    assert max(shares.values()) < 0.7 * len(KEYS)


async def test_keys_of_a_process_that_ends_go_to_others_and_no_other_key_moves(room: Room) -> None:
    await asyncio.gather(*(room.ask(key) for key in KEYS))
    before = room.taken()
    await room.servers[0].stop(None)
    await asyncio.gather(*(room.ask(key) for key in KEYS))
    after = room.taken()
    assert 0 not in after.values()
    assert {key: number for key, number in before.items() if number} == {
        key: number for key, number in after.items() if before[key]
    }


async def test_a_call_that_was_refused_goes_on_to_another_process(room: Room) -> None:
    await asyncio.gather(*(room.ask(KEYS[0], num_refusals) for num_refusals in range(12)))
    assert len(set(room.taken().values())) > 1
