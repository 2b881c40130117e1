"""A browser that is to stop lets its sessions end, and opens no more."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
from services.common import rpc
from services.common.errors import Unavailable
from services.host.main import host
from tests.contract.scoring.conftest import SHOP, site


async def open_and_delete_for_ever(browser, asked: pb.CreateSessionRequest) -> None:
    while True:
        made = await browser.CreateSession(asked)
        await browser.DeleteSession(pb.DeleteSessionRequest(session=made.session))


async def test_a_browser_that_is_to_stop_serves_its_sessions_to_their_end(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(site())
        pod = AsyncExitStack()
        tables = {"host": {"drain_s": 60.0}, "browser": {"warm_contexts": 0}}
        addresses = await pod.enter_async_context(host(tmp_path, tables, ["browser"]))
        channel = rpc.dial(addresses.address("browser"))
        stack.push_async_callback(channel.close)
        browser = BrowserServiceStub(channel)
        asked = pb.CreateSessionRequest(sites=[pb.Site(display_url=SHOP, real_url=url)], start_url=SHOP)
        session = (await browser.CreateSession(asked)).session
        stopping = asyncio.create_task(pod.aclose())
        with pytest.raises(Unavailable, match="shutting down"):
            await open_and_delete_for_ever(browser, asked)
        seen = await browser.Observe(pb.ObserveRequest(session=session, format="compact"))
        assert seen.observation.url.startswith(SHOP)
        assert not stopping.done()
        await browser.DeleteSession(pb.DeleteSessionRequest(session=session))
        await stopping
