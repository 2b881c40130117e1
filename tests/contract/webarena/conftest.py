"""WebArena's sites played by the arena's: each at an address of its own, all inside one arena episode."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.websites import serving
from ratchet.rollout.v1.rollout_service_pb2_grpc import RolloutServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.arena.server import ArenaServer
from services.common import rpc
from services.host.main import host

# Which arena site stands in for which of WebArena's; the map has no likeness.
STAND_INS = {
    "__SHOPPING__": "shopping",
    "__SHOPPING_ADMIN__": "shopping_admin",
    "__REDDIT__": "reddit",
    "__GITLAB__": "gitlab",
    "__WIKIPEDIA__": "wikipedia",
    "__MAP__": "wikipedia",
}
STATES = ("shopping", "gitlab", "shopping_admin", "reddit", "gitlab.reddit")
_KEPT = ("content-type", "location", "set-cookie")


@dataclass
class Rooms:
    """What a test speaks to."""

    rollout: Any
    trajectories: Any
    sites: dict[str, str]


@asynccontextmanager
async def stand_in(real_url: str, headers: dict[str, str]) -> AsyncIterator[str]:
    """A site that answers what the arena's answers within the episode."""
    async with httpx.AsyncClient(base_url=real_url, headers=headers, trust_env=False) as http:

        async def forward(request: Request) -> Response:
            sent = {name: request.headers[name] for name in ("cookie", "content-type") if name in request.headers}
            path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            reply = await http.request(request.method, path, headers=sent, content=await request.body())
            kept = {name: reply.headers[name] for name in _KEPT if name in reply.headers}
            return Response(reply.content, reply.status_code, kept)

        async with serving(Starlette(routes=[Route("/{path:path}", forward, methods=["GET", "POST"])])) as url:
            yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rooms(tmp_path_factory: Any) -> AsyncIterator[Rooms]:
    home: Path = tmp_path_factory.mktemp("home")
    states: Path = tmp_path_factory.mktemp("auth")
    async with AsyncExitStack() as stack:
        arena = await stack.enter_async_context(ArenaServer())
        async with httpx.AsyncClient(trust_env=False) as http:
            made = (await http.post(f"{arena.control_url}/episodes", json={"partition": "demo", "seed": 1})).json()
        for name in STATES:
            (states / f"{name}_state.json").write_text(json.dumps(made["storage_state"]))
        sites = {}
        for placeholder, key in STAND_INS.items():
            sites[placeholder] = await stack.enter_async_context(stand_in(made["sites"][key]["url"], made["headers"]))
        config = {
            "host": {"log_level": "warning"},
            "rollout": {"sites": sites, "storage_state_dir": str(states)},
            "scoring": {"matching": "webarena"},
        }
        names = ["browser", "scoring", "trajectory", "rollout"]
        found = await stack.enter_async_context(host(home, config, names))
        channels = [rpc.dial(found.address(room)) for room in ("rollout", "trajectory")]
        yield Rooms(RolloutServiceStub(channels[0]), TrajectoryServiceStub(channels[1]), sites)
        for channel in channels:
            await channel.close()
