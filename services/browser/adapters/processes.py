"""The Chromium processes: how many, which one a context goes to, when one is replaced.

Invariant: a process that opened its share of contexts, or grew, takes no more, and ends when the last of its contexts
has; another has taken its place before. A process that died is replaced when the next context is wanted.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from services.browser.adapters.clipboard import SharedClipboard
from services.browser.adapters.devtools import Disconnected, Refused
from services.browser.adapters.watch import MemoryWatch, resident_bytes
from services.browser.errors import BrowserMissing
from services.browser.settings import BrowserSettings
from services.common import telemetry

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from services.browser.adapters.context import ChromiumContext
    from services.browser.adapters.devtools import DevTools


class Process:
    """One Chromium process and the contexts on it."""

    def __init__(self, browser: Browser, line: DevTools, profile: tempfile.TemporaryDirectory[str]) -> None:
        self.browser, self.line = browser, line
        self.contexts: set[ChromiumContext] = set()
        self.num_opened = 0
        # Takes no more contexts.
        self.retired = False
        # None where there is one context that may read and write it as it likes.
        self.clipboard: SharedClipboard | None = SharedClipboard(line)
        # Set while no context is on it.
        self.empty = asyncio.Event()
        self._profile = profile
        self._pid = 0
        self._watch: MemoryWatch | None = None
        browser.on("disconnected", self._died)

    @property
    def alive(self) -> bool:
        return self.browser.is_connected()

    def enter(self, context: ChromiumContext) -> None:
        """Count a context, at once, so that those opened together spread over the processes."""
        self.contexts.add(context)
        self.num_opened += 1
        self.empty.clear()

    def leave(self, context: ChromiumContext) -> None:
        """The context is closed; idempotent."""
        self.contexts.discard(context)
        if not self.contexts:
            self.empty.set()

    async def watch(self, max_page_bytes: int) -> None:
        """End pages that need more memory than this."""
        try:
            told = await self.line.send("SystemInfo.getProcessInfo", {})
        except (Refused, Disconnected):
            return
        self._pid = next((each["id"] for each in told["processInfo"] if each["type"] == "browser"), 0)
        self._watch = MemoryWatch(self._pid, max_page_bytes)

    def memory_bytes(self) -> int:
        """Resident memory of the browser process itself, not of its pages'; 0 where the system does not tell."""
        return resident_bytes(self._pid)

    def why_a_page_died(self) -> str:
        """Completes "session ...", for a page that was just seen to have died."""
        if self._watch is None or not self._watch.explains():
            return "had a page that died"
        allowed = f"{self._watch.max_bytes / 1e6:.0f} MB, RATCHET_BROWSER__MAX_PAGE_BYTES"
        return f"had a page that needed more memory than a page may ({allowed})"

    async def close(self) -> None:
        """End the process; idempotent."""
        await self.browser.close()
        await self.line.close()
        self._profile.cleanup()

    def _died(self, _: Browser) -> None:
        self._profile.cleanup()
        if self._watch is not None:
            self._watch.stop()
        for context in list(self.contexts):
            for tab in context.tabs:
                tab.crashed = True
            context.died("lost its browser")
            self.leave(context)


class Fleet:
    """The processes that run, and their replacement."""

    def __init__(self, launch: Callable[[], Awaitable[Process]], settings: BrowserSettings) -> None:
        self._launch, self._settings = launch, settings
        self.processes: list[Process] = []
        self._launching = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._launches: set[asyncio.Task[Process]] = set()

    async def start(self) -> None:
        """Launch all processes. Raises BrowserMissing."""
        async with self._launching:
            await self._launch_one()
            missing = self._settings.num_browsers - len(self.processes)
            await asyncio.gather(*(self._launch_one() for _ in range(missing)))

    async def choose(self) -> Process:
        """The process for one more context. Raises BrowserMissing."""
        async with self._launching:
            self.processes = [process for process in self.processes if process.alive]
            serving = self._serving()
            if len(serving) < self._settings.num_browsers and all(process.contexts for process in serving):
                await self._launch_one()
        chosen = min(self._serving(), key=lambda process: len(process.contexts))
        # The last context of a process: the next one finds another.
        is_last = chosen.num_opened + 1 >= self._settings.sessions_per_browser
        if is_last or chosen.memory_bytes() > self._settings.max_browser_bytes:
            self._replace_soon(chosen)
        return chosen

    async def reserve(self) -> Process:
        """A process for one context and no other. Raises BrowserMissing."""
        async with self._launching:
            process = await self._launch_one()
            process.retired, process.clipboard = True, None
        task = asyncio.create_task(self._run_out(process), name=_name(process))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return process

    async def stop(self) -> None:
        """End all processes; idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._launches, return_exceptions=True)
        processes, self.processes = self.processes, []
        for process in processes:
            await process.close()

    def _serving(self) -> list[Process]:
        return [process for process in self.processes if not process.retired]

    async def _launch_one(self) -> Process:
        """A caller that is cancelled leaves the launch to itself: half a Chromium could not be ended."""
        launch = asyncio.create_task(self._add(), name="browser: launch chromium")
        self._launches.add(launch)
        launch.add_done_callback(self._launches.discard)
        return await asyncio.shield(launch)

    async def _add(self) -> Process:
        process = await self._launch()
        await process.watch(self._settings.max_page_bytes)
        self.processes.append(process)
        return process

    def _replace_soon(self, old: Process) -> None:
        if any(task.get_name() == _name(old) for task in self._tasks):
            return
        task = asyncio.create_task(self._replace(old), name=_name(old))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, old: Process) -> None:
        """Launch another, then let the old one run out."""
        async with self._launching:
            if not old.alive:
                return
            try:
                await self._launch_one()
            except BrowserMissing as error:
                # The old one still serves; the next context asks again.
                telemetry.log().warning("chromium not replaced", problem=str(error))
                return
            old.retired = True
        telemetry.log().info("chromium replaced", contexts_opened=old.num_opened, contexts_left=len(old.contexts))
        for context in list(old.contexts):
            context.retired()
        if not old.contexts:
            old.empty.set()
        await self._run_out(old)

    async def _run_out(self, process: Process) -> None:
        """Close a process when its last context has left."""
        await process.empty.wait()
        if process in self.processes:
            self.processes.remove(process)
            await process.close()


def _name(process: Process) -> str:
    return f"browser: replace chromium {id(process)}"
