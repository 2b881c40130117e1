"""The fence: which addresses a context's requests can reach.

Invariant: Chromium itself sends everything that is not for an allowed host and port, whoever asked for it
(navigation, redirect, script, worker, WebSocket), to this listener, which refuses it. Requests inside the
fence never come here and cost nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

_HEAD_LIMIT = 64 * 1024
_HEAD_TIMEOUT_S = 5.0
# A navigation that gets no content leaves the page in front as it is; a script sees a failed request.
_NOTHING = b"HTTP/1.1 204 No Content\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Fence:
    """A proxy that refuses, for one context; allowed hosts bypass it."""

    def __init__(self, origins: tuple[str, ...], refused: Callable[[str], None]) -> None:
        self._refused = refused
        self._server: asyncio.Server | None = None
        self.bypass = ",".join(dict.fromkeys(urlsplit(origin).netloc for origin in origins))

    async def start(self) -> str:
        """Listen; the proxy's URL."""
        self._server = await asyncio.start_server(self._refuse, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """Stop listening; idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n"), _HEAD_TIMEOUT_S)
            method, _, rest = head.decode("latin-1").partition(" ")
            target = rest.partition(" ")[0]
            tunnel = method == "CONNECT"
            self._refused(target if not tunnel else f"https://{target.removesuffix(':443')}")
            writer.write(_FORBIDDEN if tunnel else _NOTHING)
            await writer.drain()
            # Chromium may still be sending; closing before it has would look like a broken connection.
            await asyncio.wait_for(reader.read(_HEAD_LIMIT), _HEAD_TIMEOUT_S)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()
