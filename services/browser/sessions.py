"""One session: a context, its sites, its last observation, its time.

Invariant: one call at a time touches the pages; when the session ends, for whatever reason, every call on it,
the running one too, fails with that reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from services.browser import actions, marks, metrics, observation
from services.browser.addresses import Addresses
from services.browser.blobs import Blobs
from services.browser.errors import NotObserved, PageNotLoaded, SessionCrashed
from services.browser.nodes import Element
from services.browser.perform import perform
from services.browser.ports import Context, LoadFailed, NotActionable, Tab, TabCrashed
from services.browser.underway import Underway
from services.common.errors import RatchetError

_MAX_TITLE_CHARS = 200


@dataclass(frozen=True)
class Observation:
    """What the session shows."""

    page: observation.Page
    # Display URL of the page in front.
    url: str
    title: str
    num_tabs: int
    active_tab: int
    elapsed_s: float


class Outcome(NamedTuple):
    """What became of an action."""

    error: str
    observation: Observation | None
    elapsed_s: float
    events: list[str]
    # In canonical form; empty when it is not in the grammar.
    action: str = ""


class Probed(NamedTuple):
    """What a locator gave."""

    content: str
    url: str
    error: str


class Session:
    """An agent's browser."""

    def __init__(self, name: str, context: Context, addresses: Addresses, max_blob_bytes: int) -> None:
        self.name = name
        self.blobs = Blobs(name, max_blob_bytes)
        self.last_used = time.monotonic()
        self._context, self._addresses = context, addresses
        self._underway = Underway(context)
        self._ids = observation.Ids()
        self._title = ""
        # The last observation's elements, its format, and the tab and document that they are of.
        self._seen_format = ""
        self._seen: dict[int, Element] = {}
        self._seen_on: tuple[Tab | None, str] = (None, "")
        self._lock = asyncio.Lock()
        self._end: RatchetError | None = None
        # Set when the session has ended and everything of it is closed.
        self.over = asyncio.Event()
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def ended(self) -> RatchetError | None:
        """Why the session is over; None while it lives."""
        return self._end

    @property
    def busy(self) -> bool:
        """Whether a call is running."""
        return bool(self._running)

    async def start(self, url: str) -> None:
        """Load the start page (a display URL). Raises PageNotLoaded, InvalidArgument by way of ValueError."""
        async with self._turn():
            real = self._addresses.real(url)
            try:
                await self._underway.do(self._context.front.load(real))
            except LoadFailed as error:
                raise PageNotLoaded(f"the start page {url} {error}; is the site up?", url=url) from error

    async def observe(self, format_name: str, *, boxes: bool = False) -> Observation:
        """Read the page in front."""
        async with self._turn():
            return await self._observe(format_name, boxes=boxes)

    async def act(self, text: str, format_name: str, *, boxes: bool = False) -> Outcome:
        """Do one action; what it could not do is in the outcome's error."""
        async with self._turn():
            started, error, failed, verb, canonical = time.perf_counter(), "", "", "none", ""
            try:
                action = actions.parse(text)
                verb, canonical = action.verb, str(action)
                if action.verb == "dialog":
                    await self._underway.answer(accept=action.text == "accept", text=action.answer)
                else:
                    failed = await self._underway.clear()
                    await self._underway.do(self._perform(action))
            except (actions.NotAnAction, NotActionable) as refusal:
                error = self._addresses.display_in(str(refusal))
            await self._ensure_page()
            elapsed_s = time.perf_counter() - started
            metrics.ACT_SECONDS.labels(verb).observe(elapsed_s)
            seen_now = await self._observe(format_name, boxes=boxes) if format_name else None
            events = self._context.drain_events() + ([f"the action before: {failed}"] if failed else [])
            events = [self._addresses.display_in(event) for event in events]
            return Outcome(error, seen_now, elapsed_s, events, canonical)

    async def probe(self, url: str, locator: str, prep_actions: list[str]) -> Probed:
        """Evaluate a locator on a page of its own, or on the one in front (`last`)."""
        async with self._turn():
            with self._underway.unasked():
                await self._underway.clear()
                return await self._probe(url, locator, prep_actions)

    async def _probe(self, url: str, locator: str, prep_actions: list[str]) -> Probed:
        if url in ("", "last"):
            return await self._read(self._context.front, locator, prep_actions)
        try:
            real = self._addresses.real(url)
        except ValueError as error:
            return Probed("", url, str(error))
        tab = await self._context.open_tab(aside=True)
        try:
            await tab.load(real)
            return await self._read(tab, locator, prep_actions)
        except LoadFailed as error:
            return Probed("", url, f"{url} {error}")
        finally:
            await self._context.close_tab(tab)

    async def screenshot(self, *, full_page: bool) -> bytes:
        """The page in front as JPEG."""
        async with self._turn():
            return await self._screenshot(full_page=full_page)

    async def marked(self, *, full_page: bool) -> tuple[bytes, list[marks.Mark]]:
        """The page in front with the last observation's ids drawn on it. Raises NotObserved.

        A page that a dialog blocks has no marks.
        """
        async with self._turn():
            tab = self._context.front
            if self._seen_on != (tab, tab.document):
                raise NotObserved(
                    "the page in front was not observed since it came; observe it first", session=self.name
                )
            ids = marks.candidates(self._seen.values(), self._seen_format)
            located = None
            if self._context.dialogs.question is None:
                # Where it went away, nothing that was seen is on the picture.
                with contextlib.suppress(NotActionable):
                    located = await self._underway.look(tab.locate(ids, full_page=full_page))
            image = await self._screenshot(full_page=full_page)
            found = marks.marks(ids, located or {})
            return await asyncio.to_thread(marks.draw, image, found), found

    async def _screenshot(self, *, full_page: bool) -> bytes:
        if self._context.dialogs.question is None:
            image = await self._underway.look(self._context.front.screenshot(full_page=full_page))
            if image is not None:
                return image
        # Of a page that asks there is what was drawn last.
        return await self._context.front.screenshot(full_page=full_page)

    async def end(self, reason: RatchetError) -> None:
        """Close everything; running calls fail with the reason. Idempotent: the first reason stands."""
        if self._end is None:
            self._end = reason
            metrics.SESSIONS_OPEN.dec()
            for task in self._running - {asyncio.current_task()}:
                task.cancel()
        self._underway.stop()
        self.blobs.clear()
        await asyncio.shield(self._context.close())
        self.over.set()

    async def _perform(self, action: actions.Action) -> None:
        await self._ensure_page()
        seen = self._seen if self._seen_on == (self._context.front, self._context.front.document) else {}
        await perform(action, self._context, self._addresses, seen)
        await self._context.settled()

    async def _observe(self, format_name: str, *, boxes: bool) -> Observation:
        started = time.perf_counter()
        await self._ensure_page()
        tab, tabs = self._context.front, list(self._context.tabs)
        self._ids.drop(tabs)
        try:
            page = await self._page(format_name, tab, tabs, boxes=boxes)
        except TabCrashed:
            if tab in self._context.tabs:
                raise
            # It closed itself in the middle of it.
            return await self._observe(format_name, boxes=boxes)
        elapsed_s = time.perf_counter() - started
        metrics.OBSERVE_SECONDS.labels(format_name).observe(elapsed_s)
        url = self._addresses.display(tab.url)
        return Observation(page, url, page.title[:_MAX_TITLE_CHARS], len(tabs), tabs.index(tab), elapsed_s)

    async def _page(self, format_name: str, tab: Tab, tabs: list[Tab], *, boxes: bool) -> observation.Page:
        question = self._context.dialogs.question
        if question is None:
            page = await self._underway.look(observation.read(format_name, tab, tabs, self._ids, boxes=boxes))
            if page is None:  # it asked in the middle of it
                return await self._page(format_name, tab, tabs, boxes=boxes)
            self._seen, self._seen_on = {element.id: element for element in page.elements}, (tab, tab.document)
            self._title, self._seen_format = page.title, format_name
            return page
        # What was seen before can still be acted on, once the question is dismissed.
        return observation.asked(format_name, self._title if self._seen_on == (tab, tab.document) else "", question)

    async def _ensure_page(self) -> None:
        """An empty page where the last one closed itself."""
        if not self._context.tabs:
            await self._context.open_tab()

    async def _read(self, tab: Tab, locator: str, prep_actions: list[str]) -> Probed:
        url = self._addresses.display(tab.url)
        try:
            for prep in prep_actions:
                await tab.evaluate(prep)
            found = await (tab.evaluate(locator) if locator.strip() else tab.content())
        except NotActionable as error:
            return Probed("", url, f"the locator failed: {error}")
        content = "" if found is None else str(found)
        return Probed(self._addresses.display_in(content), self._addresses.display(tab.url), "")

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One caller at a time; attributes whatever ends the session under it."""
        async with self._lock:
            self._check()
            task = asyncio.current_task()
            assert task is not None
            self._running.add(task)
            self.last_used = time.monotonic()
            try:
                await self._ensure_page()
                yield
            except asyncio.CancelledError:
                # Cancelled because the session ended: its reason is the answer. By the caller: his to see.
                self._check()
                raise
            except TabCrashed as error:
                self._check()
                metrics.CRASHES.inc()
                crash = SessionCrashed(f"{self.name}: {error}; open a new session", session=self.name)
                await self.end(crash)
                raise crash from error
            finally:
                self._running.discard(task)
                self.last_used = time.monotonic()

    def _check(self) -> None:
        if self._end is not None:
            raise self._end
