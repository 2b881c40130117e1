"""The rooms that a MiniWoB++ episode needs, in one process; one Chromium for all tests of a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from grpc import aio

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
from services.arena.miniwob import tasks
from services.arena.miniwob.tasks import Task
from services.common import addresses, rpc
from services.host.main import host

ROOMS = ("arena", "browser", "scoring", "trajectory", "rollout")


@dataclass
class Rooms:
    """What a test speaks to: rooms over gRPC, the pages over HTTP."""

    channels: dict[str, aio.Channel]
    pages_url: str

    @property
    def browser(self) -> Any:
        return BrowserServiceStub(self.channels["browser"])

    @asynccontextmanager
    async def session(self, task: Task) -> AsyncIterator[pb.CreateSessionResponse]:
        """A session that shows the task's page, observed as `compact`."""
        opened = await self.browser.CreateSession(
            pb.CreateSessionRequest(
                sites=[pb.Site(display_url=tasks.DISPLAY_URL, real_url=self.pages_url)],
                start_url=tasks.DISPLAY_URL + task.path,
                observation_format="compact",
            )
        )
        try:
            yield opened
        finally:
            await self.browser.DeleteSession(pb.DeleteSessionRequest(session=opened.session))

    async def go(self, session: str, task: Task) -> pb.ActResponse:
        """Show the task's page in a session that is open."""
        action = f"goto [{tasks.DISPLAY_URL}{task.path}]"
        return await self.browser.Act(pb.ActRequest(session=session, action=action, observation_format="compact"))

    async def read(self, session: str, locator: str) -> str:
        """The value of an expression in the session's page."""
        answer = await self.browser.Probe(pb.ProbeRequest(session=session, url="last", locator=locator))
        assert not answer.error, answer.error
        return str(answer.content)

    async def outcome(self, session: str, task: Task) -> str:
        """What the task's own check reads: "solved", or what is missing."""
        (target,) = task.webarena()["eval"]["program_html"]
        return await self.read(session, target["locator"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rooms(tmp_path_factory: Any) -> AsyncIterator[Rooms]:
    home: Path = tmp_path_factory.mktemp("home")
    async with host(home, {"host": {"log_level": "warning"}}, list(ROOMS)) as found:
        async with httpx.AsyncClient(trust_env=False) as http:
            site = (await http.get(f"{addresses.arena_url(home)}/miniwob")).json()
        channels = {room: rpc.dial(found.address(room)) for room in ROOMS[1:]}
        yield Rooms(channels, site["url"])
        for channel in channels.values():
            await channel.close()
