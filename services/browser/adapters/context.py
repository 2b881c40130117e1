"""One session's Chromium context: its tabs, and what its pages tried.

Invariant: only a question of the tab in front stays open, a popup is a tab, a download is refused; each is told.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.browser import metrics
from services.browser.adapters import dressing
from services.browser.adapters.clipboard import Clipboard
from services.browser.adapters.dialogs import ChromiumDialogs
from services.browser.adapters.fence import Fence
from services.browser.adapters.files import Files
from services.browser.adapters.tab import ChromiumTab
from services.browser.adapters.usage import Usage
from services.browser.ports import ContextOptions, NotActionable, Tab, TabCrashed
from services.browser.settings import BrowserSettings

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Dialog, Page

    from services.browser.adapters.processes import Process

_MAX_EVENTS = 50
# A popup is announced when its first response is there; one that takes longer is shown when it comes.
_POPUP_S = 2.0


class ChromiumContext:
    """Tabs, events and the fence of one session."""

    def __init__(
        self,
        process: Process,
        tab_of: Callable[[BrowserContext, Page], Awaitable[ChromiumTab]],
        settings: BrowserSettings,
    ) -> None:
        self.process = process
        self._tab_of, self._max_tabs = tab_of, settings.max_tabs
        self.usage = Usage(settings, lambda what: self.spent(what))
        self._context: BrowserContext | None = None
        self._tabs: list[ChromiumTab] = []
        self._front: ChromiumTab | None = None
        self._events: list[str] = []
        self._dropped = 0
        # Pages that announce themselves while we open one: ours, or a popup.
        self._opening = 0
        self._announced: list[Page] = []
        self._num_popups = 0
        # Requests and downloads that were refused: a popup that asked for one is never announced.
        self._num_stopped = 0
        self._num_adopting = 0
        self._adopted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.fence: Fence | None = None
        self.files = Files({})
        self.clipboard = Clipboard(process.clipboard, self._tabs)
        self.died: Callable[[str], None] = lambda _: None
        self.spent: Callable[[str], None] = lambda _: None
        self.dialogs = ChromiumDialogs(self.tell)
        # Called when its process takes no more sessions, and once when the session has begun to act or is over.
        self.retired: Callable[[], None] = lambda: None
        self.begun: Callable[[], None] = lambda: None

    def fenced(self, origins: tuple[str, ...]) -> Fence:
        """The fence for these origins, telling this context what it refused."""
        self.fence = Fence(origins, lambda url: self.tell("refused", f"refused {url}: outside the sites"))
        return self.fence

    def own(self, context: BrowserContext) -> None:
        """Take the Playwright context and listen to it."""
        self._context = context
        context.on("page", self._announce)
        context.on("dialog", self._dialog)

    async def dress(self, options: ContextOptions) -> None:
        """Give it what a session brings along. Raises Playwright's Error where Chromium does not take it."""
        assert self._context is not None
        self.files = Files(options.files)
        await dressing.dress(self._context, options)

    @property
    def tabs(self) -> Sequence[ChromiumTab]:
        return self._tabs

    @property
    def front(self) -> ChromiumTab:
        if self._front is None:
            raise TabCrashed("the session has no page")
        return self._front

    @property
    def file_names(self) -> Sequence[str]:
        return self.files.names

    async def file_paths(self, names: Sequence[str]) -> list[Path]:
        return await self.files.paths(names)

    def tell(self, kind: str, text: str) -> None:
        """Note something that was contained."""
        metrics.CONTAINED.labels(kind).inc()
        if kind in ("refused", "download"):
            self._num_stopped += 1
            self._adopted.set()
        if len(self._events) < _MAX_EVENTS:
            self._events.append(text)
        else:
            self._dropped += 1

    def drain_events(self) -> list[str]:
        events = self._events + ([f"and {self._dropped} more"] if self._dropped else [])
        self._events, self._dropped = [], 0
        self._begin()
        return events

    def _begin(self) -> None:
        begun, self.begun = self.begun, lambda: None
        begun()

    async def settled(self) -> None:
        """Wait until the popups that pages asked for are tabs, or it is clear that they will not be."""
        deadline = time.monotonic() + _POPUP_S
        while self._tasks or self._num_popups + self._num_stopped < sum(tab.num_windows for tab in self._tabs):
            self._adopted.clear()
            try:
                await asyncio.wait_for(self._adopted.wait(), deadline - time.monotonic())
            except TimeoutError:
                break
        # What was not announced by now, because its address was refused, never will be.
        self._num_popups, self._num_stopped = sum(tab.num_windows for tab in self._tabs), 0

    async def open_tab(self, *, aside: bool = False) -> ChromiumTab:
        from playwright.async_api import Error

        assert self._context is not None
        if not aside and len(self._tabs) >= self._max_tabs:
            raise NotActionable(f"the session has {self._max_tabs} tabs, no more are allowed; close one first")
        self._opening += 1
        try:
            page = await self._context.new_page()
        except Error as error:
            if "closed" in error.message:
                raise TabCrashed("the browser is gone") from error
            raise
        finally:
            self._opening -= 1
            announced, self._announced = self._announced, []
            for other in announced:
                if other is not locals().get("page"):
                    self._popup(other)
        tab = await self._tab_of(self._context, page)
        self._listen(tab)
        if not aside:
            self._tabs.append(tab)
            self._front = tab
        elif self._front is not None:
            await self._front.send("Page.bringToFront")
        return tab

    async def focus(self, tab: Tab) -> None:
        assert isinstance(tab, ChromiumTab)
        await tab.send("Page.bringToFront")
        self._front = tab

    async def close_tab(self, tab: Tab) -> None:
        assert isinstance(tab, ChromiumTab)
        await tab.bounded(tab.page.close(), "its closing")

    async def close(self) -> None:
        from playwright.async_api import Error

        self._begin()
        for task in self._tasks:
            task.cancel()
        if self._context is not None:
            with contextlib.suppress(Error):  # it died before
                await self._context.close()
        if self.fence is not None:
            self.fence.stop()
        self.files.remove()

    def _announce(self, page: Page) -> None:
        if self._opening:
            self._announced.append(page)
        else:
            self._popup(page)

    def _popup(self, page: Page) -> None:
        self._num_popups += 1
        self._spawn(self._adopt(page))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="browser: contain a page")
        self._tasks.add(task)

        def done(_: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._adopted.set()

        task.add_done_callback(done)

    async def _adopt(self, page: Page) -> None:
        """Make a tab of a popup; one too many is closed."""
        from playwright.async_api import Error

        assert self._context is not None
        if len(self._tabs) + self._num_adopting >= self._max_tabs:
            self.tell("popup", f"closed a popup: the session has {self._max_tabs} tabs")
            with contextlib.suppress(Error):
                await page.close()
            return
        self._num_adopting += 1
        tab = None
        try:
            tab = await self._tab_of(self._context, page)
            await page.wait_for_load_state("domcontentloaded", timeout=tab.load_ms)
            await tab.settle()
        except (Error, NotActionable, TabCrashed) as error:
            if tab is None or page.is_closed():
                return
            self.tell("popup", f"a popup did not load: {str(error).splitlines()[0]}")
        finally:
            self._num_adopting -= 1
        self._listen(tab)
        self._tabs.append(tab)
        self._front = tab
        self.tell("popup", f"opened a new tab: {page.url}")

    def _listen(self, tab: ChromiumTab) -> None:
        def closed(_: Page) -> None:
            self.dialogs.gone(tab.page)
            if tab in self._tabs:
                self._tabs.remove(tab)
            if self._front is tab:
                self._front = self._tabs[-1] if self._tabs else None

        def crashed(_: Page) -> None:
            tab.crashed = True
            self.died(self.process.why_a_page_died())

        def download(event: dict[str, Any]) -> None:
            self.tell("download", f"refused to download {event['suggestedFilename'][:120]}")

        self.usage.count(tab.line)
        tab.clock = self.dialogs.clock
        tab.clipboard = self.clipboard
        tab.page.on("close", closed)
        tab.page.on("crash", crashed)
        # On the line that also tells when the page has settled: it is there before.
        tab.line.on("Page.downloadWillBegin", download)

    async def _dialog(self, dialog: Dialog) -> None:
        await self.dialogs.hear(dialog, self._front.page if self._front else None)
