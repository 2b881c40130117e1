"""Scoring and the store on unix sockets; a small site and the browser room for what must be looked at."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from benchmarks.websites import serving
from ratchet.browser.v1 import browser_service_pb2 as browser_pb
from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common.rpc import dial, serve
from services.host.rooms import browser, scoring, trajectory

SHOP = "http://shop.test"
PAGES = {
    "/": "<h1>Shop</h1>",
    "/cart": """<h1>Cart</h1><p class="total">Total: $45.10</p><p class="note">It&amp;#39;s &quot;blue&quot;</p>
        <button onclick="document.querySelector('.total').textContent = 'Total: $0'">Empty</button>""",
    "/members": """<table><tr><td>Ann @ann</td><td data-label="Max role">Owner</td></tr>
        <tr><td>Anna @anna</td><td data-label="Max role">Guest</td></tr></table>""",
    "/sales/order/history/": '<a href="/sales/order/view/9">Order 9</a><a href="/sales/order/view/8">Order 8</a>',
    "/sales/order/view/9": '<div class="items">Velmora Kettle</div>',
}


@asynccontextmanager
async def site() -> AsyncIterator[str]:
    async def page(request: Request) -> Response:
        text = PAGES.get(request.url.path)
        return HTMLResponse(text or "no such page", status_code=200 if text else 404)

    async with serving(Starlette(routes=[Route("/{path:path}", page)])) as url:
        yield url


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[SimpleNamespace]:
    """The store and scoring, and stubs; the browser's has nobody behind it without the fixture `browsing`."""
    async with AsyncExitStack() as stack:
        channels: dict[str, Any] = {}

        def to(room: str, _address: str = "") -> Any:
            if room not in channels:
                channels[room] = dial(f"unix:{tmp_path}/{room}.sock")
            return channels[room]

        for name, module in (("trajectory", trajectory), ("scoring", scoring)):
            mounts = await stack.enter_async_context(module.open_room({}, to, tmp_path))
            await stack.enter_async_context(serve(mounts, f"unix:{tmp_path}/{name}.sock"))
        yield SimpleNamespace(
            store=TrajectoryServiceStub(to("trajectory")),
            browser=BrowserServiceStub(to("browser")),
            scoring=ScoringServiceStub(to("scoring")),
        )
        for channel in channels.values():
            await channel.close()


@pytest.fixture
async def browsing(rooms: SimpleNamespace, tmp_path: Path) -> AsyncIterator[None]:
    """The browser room, where scoring looks for it; only some tests need a Chromium."""
    async with browser.open_room({}, dial, tmp_path) as mounts, serve(mounts, f"unix:{tmp_path}/browser.sock"):
        yield


@pytest.fixture
async def session(rooms: SimpleNamespace, browsing: None) -> AsyncIterator[str]:
    """A session on the small site's front page."""
    async with site() as real_url:
        opened = await rooms.browser.CreateSession(
            browser_pb.CreateSessionRequest(
                sites=[browser_pb.Site(display_url=SHOP, real_url=real_url)], start_url=f"{SHOP}/cart"
            )
        )
        yield opened.session
        await rooms.browser.DeleteSession(browser_pb.DeleteSessionRequest(session=opened.session))
