"""What the pages of one session have used: bytes and requests.

Invariant: `spent` is called once, at the moment that a budget is used up, with what was used and which setting allows
more. Counted is what pages and their workers receive, unpacked, and what a worker does that pages share.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.browser.adapters.devtools import Disconnected, Refused
from services.browser.settings import BrowserSettings

if TYPE_CHECKING:
    from services.browser.adapters.devtools import Page

# Of a page or a worker: attach its workers, held until they are told to run.
_WORKERS = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True, "filter": [{"type": "worker"}]}
_MB = 1_000_000


class Usage:
    """The counts of one session."""

    def __init__(self, settings: BrowserSettings, spent: Callable[[str], None]) -> None:
        """`spent` is told what completes "session ..."."""
        self._settings, self._spent = settings, spent
        self.num_bytes = 0
        self.num_requests = 0
        self._telling: set[asyncio.Future[None]] = set()
        self._is_over = False

    def count(self, page: Page) -> None:
        """Count what this page receives from now on, and what its workers do, and theirs."""
        page.on("Network.dataReceived", self._received)
        page.on("Network.webSocketFrameReceived", self._framed)
        page.on("Network.requestWillBeSent", self._asked)
        page.on("Target.attachedToTarget", lambda event: self._count_worker(page.worker(event["sessionId"])))
        self._tell(page, ("Target.setAutoAttach", _WORKERS))

    def _count_worker(self, worker: Page) -> None:
        self.count(worker)
        # It was held until it is counted.
        self._tell(worker, ("Network.enable", {}), ("Runtime.runIfWaitingForDebugger", {}))

    def _tell(self, page: Page, *commands: tuple[str, dict[str, Any]]) -> None:
        async def tell() -> None:
            # A page or worker that ends meanwhile has nothing to count.
            with contextlib.suppress(Refused, Disconnected):
                for method, params in commands:
                    await page.send(method, params)

        telling = asyncio.ensure_future(tell())
        self._telling.add(telling)
        telling.add_done_callback(self._telling.discard)

    def _received(self, event: dict[str, Any]) -> None:
        self._add_bytes(int(event["dataLength"]))

    def _framed(self, event: dict[str, Any]) -> None:
        self._add_bytes(len(event["response"]["payloadData"]))

    def _add_bytes(self, number: int) -> None:
        self.num_bytes += number
        limit = self._settings.max_session_bytes
        if self.num_bytes > limit:
            self._end(f"received more than {limit / _MB:g} MB", "MAX_SESSION_BYTES")

    def _asked(self, event: dict[str, Any]) -> None:
        self.num_requests += 1
        limit = self._settings.max_session_requests
        if self.num_requests > limit:
            self._end(f"made more than {limit} requests", "MAX_SESSION_REQUESTS")

    def _end(self, what: str, setting: str) -> None:
        if not self._is_over:
            self._is_over = True
            self._spent(f"{what}, all of its budget; open a new session, or raise RATCHET_BROWSER__{setting}")
