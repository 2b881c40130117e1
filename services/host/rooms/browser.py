"""How the browser room is built."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from services.common.rpc import Mount


@asynccontextmanager
async def open_room(
    table: dict[str, Any],
    dial: Callable[[str], grpc.aio.Channel],  # noqa: ARG001 - every room is opened alike
    home: Path,  # noqa: ARG001
) -> AsyncIterator[list[Mount]]:
    """The browser room, Chromium running; raises BrowserMissing. It keeps nothing under `home`."""
    from ratchet.browser.v1 import browser_service_pb2_grpc as pb_grpc
    from services.browser.adapters.chromium import ChromiumBrowser
    from services.browser.registry import Registry
    from services.browser.service import SERVICE, BrowserServicer
    from services.browser.settings import BrowserSettings
    from services.common.settings import load

    settings = load(BrowserSettings, table)
    browser = ChromiumBrowser(settings)
    await browser.start()
    registry = Registry(browser, settings)
    registry.start()
    try:
        servicer = BrowserServicer(registry, settings)
        yield [Mount(pb_grpc.add_BrowserServiceServicer_to_server, servicer, SERVICE, registry.drain)]
    finally:
        await registry.stop()
