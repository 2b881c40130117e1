"""Dialogs of one session's pages: which one stays open, and the clocks that stand still while it does.

Invariant: an alert never stays open, a confirm or prompt only in the tab in front and only while somebody is there to
answer it; every other one is closed at once and told. What waits for a page that a dialog blocks runs out of no time.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

from services.browser.ports import Question, TabCrashed

if TYPE_CHECKING:
    from playwright.async_api import Dialog, Page

    from services.browser.adapters.hand import ChromiumHand

_MAX_MESSAGE_CHARS = 400
_MAX_TOLD_CHARS = 200
_MAX_PICTURE = {"maxWidth": 2000, "maxHeight": 2000}


class Clock:
    """Time limits that can be held together."""

    def __init__(self) -> None:
        self.is_held = False
        # What each limit that runs has left, in seconds, while they are held.
        self._limits: dict[asyncio.Timeout, float] = {}

    @contextlib.asynccontextmanager
    async def limit(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError in what is inside after so many seconds that were not held."""
        async with asyncio.timeout(None if self.is_held else seconds) as timeout:
            self._limits[timeout] = seconds
            try:
                yield
            finally:
                del self._limits[timeout]

    def hold(self) -> None:
        """Stop; idempotent."""
        now = asyncio.get_running_loop().time()
        for timeout in self._limits:
            ends = timeout.when()
            if ends is not None and not timeout.expired():
                self._limits[timeout] = ends - now
                timeout.reschedule(None)
        self.is_held = True

    def go_on(self) -> None:
        """Run again; idempotent."""
        self.is_held = False
        now = asyncio.get_running_loop().time()
        for timeout, left in self._limits.items():
            if timeout.when() is None and not timeout.expired():
                timeout.reschedule(now + left)


class ChromiumDialogs:
    """The dialogs of one context."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell
        self._open: Dialog | None = None
        self.clock = Clock()
        self.is_holding = True
        self.asked: Callable[[], None] = lambda: None

    @property
    def question(self) -> Question | None:
        if self._open is None:
            return None
        message, default = self._open.message[:_MAX_MESSAGE_CHARS], self._open.default_value[:_MAX_MESSAGE_CHARS]
        return Question(self._open.type, message, default)

    async def hear(self, dialog: Dialog, front: Page | None) -> None:
        """A page opened a dialog."""
        if dialog.type in ("confirm", "prompt") and self.is_holding and front is not None and dialog.page == front:
            self._open = dialog
            self.clock.hold()
            self._tell("dialog", f"opened {_words(dialog)}")
            self.asked()
        else:
            await self._close(dialog)

    async def answer(self, *, accept: bool, text: str | None) -> None:
        dialog, self._open = self._open, None
        if dialog is None:
            return
        if text is None:
            text = dialog.default_value
        with _page_may_be_gone():
            await (dialog.accept(text if dialog.type == "prompt" else None) if accept else dialog.dismiss())
        self._go_on()

    async def dismiss(self) -> None:
        dialog, self._open = self._open, None
        if dialog is not None:
            await self._close(dialog)
            self._go_on()

    def gone(self, page: Page) -> None:
        """The page was closed, and its dialog with it."""
        if self._open is not None and self._open.page == page:
            self._open = None
            self._go_on()

    async def _close(self, dialog: Dialog) -> None:
        leaving = dialog.type == "beforeunload"
        self._tell("dialog", f"{'left in spite of' if leaving else 'dismissed'} {_words(dialog)}")
        with _page_may_be_gone():
            await (dialog.accept() if leaving else dialog.dismiss())

    def _go_on(self) -> None:
        # A next question of the same page may be open by now.
        if self._open is None:
            self.clock.go_on()


async def picture(hand: ChromiumHand, within_s: float) -> bytes:
    """What a page that a dialog blocks shows, as JPEG: Chromium draws what it drew last. Raises TabCrashed."""
    frames = hand.heard("Page.screencastFrame")
    try:
        async with asyncio.timeout(within_s):
            await hand.tab.send("Page.startScreencast", {"format": "jpeg", "quality": 60, **_MAX_PICTURE})
            frame = await frames.get()
            await hand.tab.send("Page.stopScreencast")
    except TimeoutError as error:
        raise TabCrashed(f"the page could not be drawn for {within_s:g} s") from error
    return base64.b64decode(frame["data"])


def _words(dialog: Dialog) -> str:
    return f"{dialog.type}: {dialog.message[:_MAX_TOLD_CHARS]}"


def _page_may_be_gone() -> contextlib.suppress:
    from playwright.async_api import Error

    return contextlib.suppress(Error)
