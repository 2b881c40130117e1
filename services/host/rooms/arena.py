"""The arena: web sites on ports of their own, found by the others through run/arena.url."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from grpc import aio

from services.common import addresses, settings
from services.common.rpc import Mount


@asynccontextmanager
async def open_room(
    table: dict[str, Any], dial: Callable[[str], aio.Channel], home: Path
) -> AsyncIterator[list[Mount]]:
    """Serves the sites until the block ends. It speaks HTTP, so there is nothing to mount."""
    from services.arena.server import ArenaServer
    from services.arena.settings import ArenaSettings

    del dial
    async with ArenaServer(settings.load(ArenaSettings, table)) as server:
        path = addresses.socket_directory(home) / "arena.url"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(server.control_url + "\n")
        try:
            yield []
        finally:
            path.unlink(missing_ok=True)
