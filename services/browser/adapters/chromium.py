"""Chromium through Playwright: finds it, launches it, launches it again when it died, opens contexts.

Invariant: a context's requests reach its own origins and nothing else (see fence.py); the death of a process
is told to each context on it, and the next context gets a fresh process.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from services.browser.adapters import scripts
from services.browser.adapters.context import ChromiumContext
from services.browser.adapters.devtools import DevTools, Disconnected, Refused
from services.browser.adapters.files import Files
from services.browser.adapters.tab import ChromiumTab
from services.browser.errors import BrowserMissing
from services.browser.ports import ContextOptions, TabCrashed
from services.browser.settings import BrowserSettings
from services.common import telemetry

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page, Playwright, ProxySettings, StorageState

_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_ARGS = (
    # Our own line, beside Playwright's pipe; on the loopback, under a random path, closed to pages by the fence.
    "--remote-debugging-port=0",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--dns-prefetch-disable",
    # The one road around a proxy.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
)


class _Process:
    """One Chromium process and the contexts on it."""

    def __init__(self, browser: Browser, line: DevTools, profile: tempfile.TemporaryDirectory[str]) -> None:
        self.browser, self.line = browser, line
        self.contexts: set[ChromiumContext] = set()
        self._profile = profile
        browser.on("disconnected", self._died)

    async def close(self) -> None:
        """End the process."""
        await self.browser.close()
        await self.line.close()
        self._profile.cleanup()

    def _died(self, _: Browser) -> None:
        self._profile.cleanup()
        for context in list(self.contexts):
            for tab in context.tabs:
                tab.crashed = True
            context.died()


class ChromiumBrowser:
    """A few Chromium processes; contexts go to the one with the fewest."""

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        self._playwright: Playwright | None = None
        self._processes: list[_Process] = []
        self._launching = asyncio.Lock()

    async def open(self, options: ContextOptions) -> ChromiumContext:
        """Raises BrowserMissing, TabCrashed, ValueError (storage state that Chromium does not take)."""
        from playwright.async_api import Error

        process = await self._process()
        context = ChromiumContext(functools.partial(self._tab_of, process.line))
        context.files = Files(options.files)
        # Counted at once, so that sessions opened together spread over the processes.
        process.contexts.add(context)
        try:
            fence = context.fenced(options.origins)
            proxy: ProxySettings = {"server": await fence.start(), "bypass": fence.bypass}
            state: StorageState | None = options.storage_state  # type: ignore[assignment]
            width, height = options.viewport
            inner = await process.browser.new_context(
                viewport={"width": width, "height": height},
                storage_state=state,
                extra_http_headers=options.headers or None,
                accept_downloads=False,
                proxy=proxy,
                locale="en-US",
                timezone_id="UTC",
                reduced_motion="reduce",
            )
            context.own(inner)
            await inner.add_init_script(scripts.DIALOGS)
            inner.on("close", lambda _: process.contexts.discard(context))
            await context.open_tab()
        except BaseException as error:
            process.contexts.discard(context)
            await asyncio.shield(context.close())
            if not isinstance(error, Error):
                raise
            if not process.browser.is_connected():
                raise TabCrashed("Chromium died while the session was opened") from error
            raise ValueError(error.message.splitlines()[0]) from error
        return context

    async def start(self) -> None:
        """Launch the first process now, so that a machine without a browser is told at once. Raises BrowserMissing."""
        try:
            await self._process()
        except BrowserMissing:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every process; idempotent."""
        processes, self._processes = self._processes, []
        for process in processes:
            await process.close()
        if self._playwright is not None:
            await self._playwright.stop()
            self._playwright = None

    async def _process(self) -> _Process:
        async with self._launching:
            self._processes = [p for p in self._processes if p.browser.is_connected()]
            if len(self._processes) < self._settings.num_browsers and all(p.contexts for p in self._processes):
                self._processes.append(await self._launch())
        return min(self._processes, key=lambda p: len(p.contexts))

    async def _launch(self) -> _Process:
        from playwright.async_api import Error, async_playwright

        if self._playwright is None:
            self._playwright = await async_playwright().start()
        executable = self._executable(Path(self._playwright.chromium.executable_path))
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        profile = tempfile.TemporaryDirectory(prefix="ratchet-chromium-", ignore_cleanup_errors=True)
        try:
            keeper = await self._playwright.chromium.launch_persistent_context(
                profile.name, executable_path=executable, headless=True, args=[*_ARGS, *sandbox], handle_sigint=False
            )
            line = await DevTools.connect(Path(profile.name))
        except (Error, Disconnected) as error:
            profile.cleanup()
            raise BrowserMissing(
                f"{executable} does not start: {str(error).splitlines()[0]}; run make setup, or point "
                "RATCHET_BROWSER__EXECUTABLE at a Chromium that does",
                executable=executable,
            ) from error
        assert keeper.browser is not None
        # The profile's own page is nobody's.
        await asyncio.gather(*(page.close() for page in keeper.pages))
        telemetry.log().info("chromium launched", executable=str(executable), version=keeper.browser.version)
        return _Process(keeper.browser, line, profile)

    def _executable(self, own: Path) -> Path:
        """The Chromium to run. Raises BrowserMissing."""
        chosen = self._settings.executable
        if chosen is not None:
            if not (chosen.is_file() and os.access(chosen, os.X_OK)):
                raise BrowserMissing(
                    f"RATCHET_BROWSER__EXECUTABLE is {chosen}, which is no program; correct it or leave it out",
                    executable=chosen,
                )
            return chosen
        if own.is_file():
            return own
        found = next(filter(None, map(shutil.which, _NAMES)), None)
        if found is None:
            raise BrowserMissing(
                f"no Chromium found: neither Playwright's own nor {', '.join(_NAMES)} on the PATH; run make setup, "
                "or point RATCHET_BROWSER__EXECUTABLE at one"
            )
        return Path(found)

    async def _tab_of(self, line: DevTools, context: BrowserContext, page: Page) -> ChromiumTab:
        settings = self._settings
        cdp = await context.new_cdp_session(page)
        target = (await cdp.send("Target.getTargetInfo"))["targetInfo"]["targetId"]
        await cdp.detach()
        try:
            attached = await line.attach(target)
        except (Refused, Disconnected) as error:
            raise TabCrashed(f"the page died: {error}") from error
        tab = ChromiumTab(
            page,
            attached,
            load_s=settings.load_timeout_s,
            settle_s=settings.settle_s,
            call_s=settings.call_timeout_s,
        )
        return await tab.start()
