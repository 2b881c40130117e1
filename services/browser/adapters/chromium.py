"""Chromium through Playwright: finds it, launches it, launches it again when it died, opens contexts.

Invariant: a context's requests reach its own origins and nothing else (see fence.py); the death of a process
is told to each context on it, and the next context gets a fresh process.
"""

from __future__ import annotations

import asyncio
import functools
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from services.browser.adapters import scripts
from services.browser.adapters.clipboard import PERMISSIONS
from services.browser.adapters.context import ChromiumContext
from services.browser.adapters.devtools import DevTools, Disconnected, Refused
from services.browser.adapters.pool import Profile, Spares
from services.browser.adapters.processes import Fleet, Process
from services.browser.adapters.tab import ChromiumTab
from services.browser.errors import BrowserMissing
from services.browser.ports import ContextOptions, TabCrashed
from services.browser.settings import BrowserSettings
from services.common import telemetry

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Playwright, ProxySettings

# Playwright's name of the call that failed.
_CALL = re.compile(r"^\w+\.\w+: (Protocol error \([\w.]+\): )?")
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The last such switch counts: these are Playwright's own as far as a headless shell knows them, and the first two: one
# makes a page's tasks wait for a frame after each click (14 ms), one builds each document a view of its own (a sixth of
# what a load costs).
_NOT_WANTED = (
    "DeferRendererTasksAfterInput",
    "RenderDocument",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
)
# Without Chromium's own protection one page that pushes history states without end stops all pages of the process.
_PLAYWRIGHTS = ["--disable-ipc-flooding-protection"]
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
    # Frames of other origins stay in their page's process, where its DevTools session reads and clicks them. A session
    # reaches its own sites only, in a context of its own without anybody's secrets, and needs less memory so.
    "--disable-site-isolation-trials",
    # The one road around a proxy.
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    f"--disable-features={','.join(_NOT_WANTED)}",
)


class ChromiumBrowser:
    """A few Chromium processes and contexts opened ahead on them."""

    def __init__(self, settings: BrowserSettings) -> None:
        self._settings = settings
        self._playwright: Playwright | None = None
        self.fleet = Fleet(self._launch, settings)
        self.spares = Spares(self._blank, limit=settings.warm_contexts, max_age_s=settings.warm_s)

    async def open(self, options: ContextOptions) -> ChromiumContext:
        """Raises BrowserMissing, TabCrashed, ValueError (what Chromium does not take)."""
        profile = Profile.of(options)
        spare = self.spares.take(profile)
        if spare is not None:
            try:
                await self._dress(spare, options)
            except TabCrashed:  # while nobody used it; a new one is as good
                spare = None
        if spare is None:
            spare = await self._blank(profile)
            await self._dress(spare, options)
        # Not now: opening the next would slow the first page of this one.
        spare.begun = functools.partial(self.spares.want, profile)
        return spare

    async def start(self) -> None:
        """Launch the processes now, so that a machine without a browser is told at once. Raises BrowserMissing."""
        try:
            await self.fleet.start()
        except BrowserMissing:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every process; idempotent."""
        await self.spares.stop()
        await self.fleet.stop()
        if self._playwright is not None:
            await self._playwright.stop()
            self._playwright = None

    async def _blank(self, profile: Profile) -> ChromiumContext:
        """A new context with an empty page. Raises BrowserMissing, TabCrashed, ValueError."""
        owns_clipboard = not PERMISSIONS.isdisjoint(profile.permissions)
        process = await (self.fleet.reserve() if owns_clipboard else self.fleet.choose())
        context = ChromiumContext(process, functools.partial(self._tab_of, process), self._settings)
        process.enter(context)
        async with _closed_on_failure(context):
            fence = context.fenced(profile.origins)
            proxy: ProxySettings = {"server": await fence.start(), "bypass": fence.bypass}
            width, height = profile.viewport
            inner = await process.browser.new_context(
                viewport={"width": width, "height": height},
                accept_downloads=False,
                proxy=proxy,
                locale=profile.locale,
                timezone_id=profile.timezone,
                permissions=list(profile.permissions),
                reduced_motion="reduce",
            )
            context.own(inner)
            await inner.add_init_script(scripts.DIALOGS)
            inner.on("close", lambda _: process.leave(context))
            tab = await context.open_tab()
            await tab.warm(profile.origins[0])
        return context

    async def _dress(self, context: ChromiumContext, options: ContextOptions) -> None:
        async with _closed_on_failure(context):
            await context.dress(options)

    async def _launch(self) -> Process:
        from playwright.async_api import Error, async_playwright

        if self._playwright is None:
            self._playwright = await async_playwright().start()
        executable = self._executable(Path(self._playwright.chromium.executable_path))
        sandbox = [] if os.geteuid() else ["--no-sandbox"]
        # A document is read a few times and then left: its scripts, the page script first, gain nothing by waiting
        # for the better compilers.
        engine = f"--js-flags=--max-old-space-size={self._settings.max_page_bytes // 1024**2} --always-sparkplug"
        profile = tempfile.TemporaryDirectory(prefix="ratchet-chromium-", ignore_cleanup_errors=True)
        try:
            keeper = await self._playwright.chromium.launch_persistent_context(
                profile.name,
                executable_path=executable,
                headless=True,
                args=[*_ARGS, engine, *sandbox],
                ignore_default_args=_PLAYWRIGHTS,
                handle_sigint=False,
            )
            try:
                line = await DevTools.connect(Path(profile.name))
            except Disconnected:
                await keeper.close()  # nobody else knows of it
                raise
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
        return Process(keeper.browser, line, profile)

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

    async def _tab_of(self, process: Process, context: BrowserContext, page: Page) -> ChromiumTab:
        settings = self._settings
        cdp = await context.new_cdp_session(page)
        target = (await cdp.send("Target.getTargetInfo"))["targetInfo"]["targetId"]
        await cdp.detach()
        try:
            attached = await process.line.attach(target)
        except (Refused, Disconnected) as error:
            raise TabCrashed(f"the page died: {error}") from error
        tab = ChromiumTab(
            page,
            attached,
            load_s=settings.load_timeout_s,
            settle_s=settings.settle_s,
            call_s=settings.call_timeout_s,
        )
        return await tab.start(shares_clipboard=process.clipboard is not None)


@asynccontextmanager
async def _closed_on_failure(context: ChromiumContext) -> AsyncIterator[None]:
    """Close the context when the block fails, and say in the port's words why it did."""
    from playwright.async_api import Error

    try:
        yield
    except BaseException as error:
        await asyncio.shield(context.close())
        context.process.leave(context)
        if not isinstance(error, Error):
            raise
        if not context.process.alive:
            raise TabCrashed("Chromium died while the session was opened") from error
        raise ValueError(_CALL.sub("", error.message.splitlines()[0])) from error
