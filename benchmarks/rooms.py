"""The browser room in a process of its own, as an agent meets it."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
from services.common.addresses import Addresses
from services.common.rpc import dial

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub


@asynccontextmanager
async def browser_room() -> AsyncIterator[tuple[BrowserServiceAsyncStub, int]]:
    """`ratchet serve browser` with default settings: its stub and its process."""
    with tempfile.TemporaryDirectory() as home:
        command = (sys.executable, "-m", "services.cli", "--home", home, "serve", "browser")
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        channel = dial(Addresses.discover(Path(home), []).address("browser"))
        try:
            async with asyncio.timeout(60):
                await channel.channel_ready()
            yield BrowserServiceStub(channel), process.pid
        finally:
            await channel.close()
            process.terminate()
            await process.wait()
