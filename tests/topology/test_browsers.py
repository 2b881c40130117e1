"""Several browser pods behind one name: an episode opens its session in one that has room, and stays with it."""

from __future__ import annotations

import socket
from contextlib import AsyncExitStack
from pathlib import Path

from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from services.common import rpc
from services.common.addresses import ROOMS
from services.host.main import host
from tests.topology.test_rooms import evaluate, evaluations


def free_ports(count: int) -> list[int]:
    with_ports = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in with_ports]
    for each in with_ports:
        each.close()
    return ports


async def test_an_episode_waits_for_a_browser_with_room_and_stays_with_it(tmp_path: Path) -> None:
    pods = [f"127.0.0.1:{port}" for port in free_ports(2)]
    async with AsyncExitStack() as stack:
        for number, address in enumerate(pods):
            tables = {
                "host": {"listen": address},
                "browser": {"address": address, "max_sessions": 1, "warm_contexts": 0},
            }
            await stack.enter_async_context(host(tmp_path / f"browser-{number}", tables, ["browser"]))
        tables = {"host": {"addresses": {"browser": f"ipv4:{','.join(pods)}"}}}
        others = [room for room in ROOMS if room != "browser"]
        addresses = await stack.enter_async_context(host(tmp_path / "others", tables, others))
        channels = {room: rpc.dial(addresses.address(room)) for room in ("orchestrator", "trajectory")}
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        expert, solved = await evaluate(channels.__getitem__, "policies/expert", 4)
    assert expert.state == evaluations.Evaluation.STATE_SUCCEEDED, expert.error
    assert [(score.num_tasks, score.mean) for score in expert.report.scores] == [(4, 1.0)]
    assert {trajectory.state for trajectory in solved} == {store.Trajectory.STATE_SUCCEEDED}, "no attempt failed"
    assert {trajectory.attempt for trajectory in solved} == {1}, "waiting for a browser is no attempt"
