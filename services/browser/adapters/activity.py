"""What a page is busy with, kept up to date by Chromium's events.

Invariant: `settle` waits for events, never for an amount of time: the main frame's navigation is over, no
request that matters is in flight, and the page's own task queue has turned once since.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

# Requests that may stay open for ever, or that nothing on the page waits for.
_BACKGROUND = frozenset({"EventSource", "Ping", "Prefetch", "WebSocket", "CSPViolationReport", "Preflight"})


class Emitter(Protocol):
    """Where DevTools events come from."""

    def on(self, event: str, f: Callable[[dict[str, Any]], None]) -> None: ...


class Activity:
    """Navigation and requests of one tab."""

    def __init__(self, events: Emitter) -> None:
        self.main_frame = ""
        # Windows that the page asked for.
        self.num_windows = 0
        # The loader of the document that is shown.
        self.document = ""
        self.url = "about:blank"
        self._navigating = False
        # The HTML of the document that is shown, or on its way, has been read.
        self.has_content = True
        self._requests: dict[str, str] = {}
        # Counts what happened; settling again is needed when it moved.
        self._turns = 0
        self._changed = asyncio.Event()
        for name in ("Scheduled", "Requested"):
            events.on(f"Page.frame{name}Navigation", self._leaving)
        events.on("Page.windowOpen", self._opened)
        events.on("Page.frameClearedScheduledNavigation", self._arrived)
        events.on("Page.frameStartedLoading", self._loading)
        events.on("Page.frameStoppedLoading", self._arrived)
        events.on("Page.frameNavigated", self._committed)
        events.on("Page.navigatedWithinDocument", self._moved)
        events.on("Page.domContentEventFired", self._read)
        events.on("Network.requestWillBeSent", self._sent)
        events.on("Network.loadingFinished", self._done)
        events.on("Network.loadingFailed", self._done)

    @property
    def busy(self) -> bool:
        return self._navigating or bool(self._requests)

    def leave(self) -> None:
        """The next document is on its way."""
        self.has_content = False

    def stay(self) -> None:
        """It was the same document."""
        self.has_content = True

    async def content(self) -> None:
        """Wait until the HTML of the document that is on its way has been read."""
        while not self.has_content:
            self._changed.clear()
            await self._changed.wait()

    async def settle(self, turn: Callable[[], Awaitable[None]], bound_s: float) -> bool:
        """Wait until the page is quiet; False when the bound came first. `turn` lets its queue run once."""
        deadline = time.monotonic() + bound_s
        while True:
            seen = self._turns
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await turn()
            except TimeoutError:
                break
            while self.busy and (left := deadline - time.monotonic()) > 0:
                self._changed.clear()
                try:
                    async with asyncio.timeout(left):
                        await self._changed.wait()
                except TimeoutError:
                    break
            if self.busy:
                break
            if seen == self._turns:
                return True
        # What outlived the bound once is not waited for again.
        self._requests.clear()
        self._navigating = False
        return False

    def _touch(self) -> None:
        self._turns += 1
        self._changed.set()

    def _opened(self, event: dict[str, Any]) -> None:
        self.num_windows += 1

    def _leaving(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self.main_frame and event.get("disposition", "currentTab") == "currentTab":
            self._navigating = True
            self._touch()

    def _loading(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self.main_frame:
            self._navigating = True
            self._touch()

    def _arrived(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self.main_frame:
            self._navigating = False
            self._touch()

    def _committed(self, event: dict[str, Any]) -> None:
        frame = event["frame"]
        if frame["id"] == self.main_frame:
            self.show(frame)
            self.has_content = False
            # The old document's requests are gone with it, unheard of.
            self._requests = {k: v for k, v in self._requests.items() if v == self.document}
            self._touch()

    def show(self, frame: dict[str, Any]) -> None:
        """Take over what Chromium says of the main frame."""
        self.document, self.url = frame["loaderId"], frame["url"] + frame.get("urlFragment", "")

    def _moved(self, event: dict[str, Any]) -> None:
        if event["frameId"] == self.main_frame:
            self.url = event["url"]

    def _read(self, event: dict[str, Any]) -> None:
        self.has_content = True
        self._touch()

    def _sent(self, event: dict[str, Any]) -> None:
        if event.get("type") not in _BACKGROUND and not event["request"]["url"].startswith("data:"):
            self._requests[event["requestId"]] = event.get("loaderId", "")
            self._touch()

    def _done(self, event: dict[str, Any]) -> None:
        if self._requests.pop(event["requestId"], None) is not None:
            self._touch()
