"""One Chromium page: loaded, read and photographed through its DevTools session.

Invariant: every question to the page is bounded in time, and only the port's exceptions come out.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from services.browser import page as page_script
from services.browser.adapters import devtools, dialogs, scripts
from services.browser.adapters.activity import Activity
from services.browser.adapters.clipboard import Clipboard
from services.browser.adapters.devtools import Closed, Disconnected, Refused
from services.browser.adapters.hand import ChromiumHand
from services.browser.adapters.reader import Reader
from services.browser.adapters.script import WORLD
from services.browser.nodes import Answer, Box, Text, Tree, parse, parse_text
from services.browser.ports import LoadFailed, NotActionable, TabCrashed

if TYPE_CHECKING:
    from playwright.async_api import Page

T = TypeVar("T")
_INTERRUPT_S = 2.0
_CLOSE_S = 2.0
# A document of which nothing has come: its root and an empty body.
_NUM_BARE = 2
_QUALITY = 80
_MAX_IMAGE_HEIGHT = 8_000
_TURN = {"expression": "new Promise(done => setTimeout(done))", "awaitPromise": True, "returnByValue": True}


class ChromiumTab:
    """A page: Playwright's, and our own line to it."""

    def __init__(self, page: Page, line: devtools.Page, *, load_s: float, settle_s: float, call_s: float) -> None:
        self.page, self.line = page, line
        self.crashed = False
        # Its context's, once it is of one.
        self.clock = dialogs.Clock()
        self.clipboard = Clipboard(None, [self])
        # It shows the document of `warm`, which no history is to have.
        self._is_warm = False
        self.hand = ChromiumHand(self)
        self._send = line.send
        self._activity = Activity(line)
        self._reader = Reader(self.send, lambda copied: self.clipboard.hear(copied))
        self._load_s, self._settle_s, self._call_s = load_s, settle_s, call_s
        self.load_ms = load_s * 1000
        # An observation that has no page to show by then ends with the step that it is at.
        self._read_s = 2 * (settle_s + call_s)

    async def start(self, *, shares_clipboard: bool) -> ChromiumTab:
        """Begin to listen; the tab itself, once Chromium has agreed. Other sessions may share its clipboard."""
        replies = await asyncio.gather(*map(self.send, ("Page.getFrameTree", "Page.enable", "Network.enable")))
        ready = {"source": page_script.installer(shares_clipboard=shares_clipboard), "worldName": WORLD}
        await self.send("Page.addScriptToEvaluateOnNewDocument", ready)
        frame = replies[0]["frameTree"]["frame"]
        self._activity.main_frame = frame["id"]
        if not self._activity.document:
            self._activity.show(frame)
        return self

    async def warm(self, origin: str) -> None:
        """Show an empty document of an origin without asking it: its first page finds the renderer ready."""
        answer = {"responseCode": 200, "responseHeaders": [{"name": "content-type", "value": "text/html"}]}
        paused: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def hear(event: dict[str, Any]) -> None:
            if not paused.done():
                paused.set_result(event["requestId"])

        self.line.on("Fetch.requestPaused", hear)
        await self.send("Fetch.enable")
        loading = asyncio.create_task(self.load(f"{origin}/"))
        await asyncio.wait((paused, loading), return_when=asyncio.FIRST_COMPLETED)
        if paused.done():
            await self.send("Fetch.fulfillRequest", {"requestId": paused.result(), **answer})
        with contextlib.suppress(LoadFailed):  # then it is no warmer than it was
            await loading
        await self.send("Fetch.disable")
        self._is_warm = True
        # The first reading of a renderer compiles what it runs.
        await self.tree()

    @property
    def url(self) -> str:
        # Playwright hears of a navigation on a line of its own, later than ours or earlier.
        return self._activity.url

    @property
    def document(self) -> str:
        return self._activity.document

    @property
    def num_windows(self) -> int:
        """Windows that the page has asked for so far."""
        return self._activity.num_windows

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """One DevTools command."""
        return await self.bounded(self._send(method, params or {}), method)

    async def bounded(self, call: Awaitable[T], what: str) -> T:
        """The call's result, in time and with the port's exceptions; a refusal of the page is NotActionable."""
        from playwright.async_api import Error

        try:
            async with self.clock.limit(self._call_s):
                return await call
        except TimeoutError as error:
            if await self.interrupt():
                busy = f"kept the page busy for {self._call_s:g} s; its script was stopped"
                raise NotActionable(busy) from error
            raise TabCrashed(f"the page left {what} unanswered for {self._call_s:g} s") from error
        except (Error, Refused, Disconnected) as error:
            if isinstance(error, Closed) and await self.is_closed():
                raise NotActionable("the page closed itself") from error
            said = str(error).partition("\n")[0]
            if self.crashed or self.page.is_closed() or isinstance(error, Disconnected) or "crashed" in said:
                raise TabCrashed(f"the page died: {said}") from error
            raise NotActionable(said) from error

    async def interrupt(self) -> bool:
        """Stop the script that runs; whether the page answers again."""
        try:
            async with asyncio.timeout(_INTERRUPT_S):
                await self._send("Runtime.terminateExecution", {})
                await self._send("Runtime.evaluate", {"expression": "1"})
        except (Refused, Disconnected, TimeoutError):
            return False
        return True

    async def settle(self, *, has_turned: bool = False) -> None:
        """Wait, bounded, for whatever was set going; `has_turned` when the page's queue has turned since."""
        if not has_turned or self._activity.busy:
            await self._activity.settle(self._turn, self._settle_s)

    async def _turn(self) -> None:
        try:
            await self._send("Runtime.evaluate", _TURN)
        except Refused:
            return  # a navigation took the document away in the middle of the question: that is an answer too
        except Disconnected as error:
            if isinstance(error, Closed) and await self.is_closed():
                return  # it closed itself
            raise TabCrashed(f"the page died: {error}") from error

    async def is_closed(self) -> bool:
        """Whether the page is closed; Playwright, which tells the context, hears of it later than our line."""
        from playwright.async_api import Error

        if not self.page.is_closed():
            with contextlib.suppress(Error):
                await self.page.wait_for_event("close", timeout=1000 * _CLOSE_S)
        return self.page.is_closed()

    async def title(self) -> str:
        return await self.bounded(self.page.title(), "its title")

    async def load(self, url: str) -> None:
        self._activity.leave()
        try:
            async with self.clock.limit(self._load_s):
                reply = await self._send("Page.navigate", {"url": url})
                if "errorText" in reply:
                    raise LoadFailed(reply["errorText"])
                if "loaderId" in reply:  # else it is the same document
                    await self._activity.content()
        except TimeoutError as error:
            raise LoadFailed(f"did not load within {self._load_s:g} s") from error
        except Refused as error:
            raise LoadFailed(str(error)) from error
        except Disconnected as error:
            raise TabCrashed("the page died while loading") from error
        finally:
            self._activity.stay()
        await asyncio.gather(
            self.settle(), self._reader.prepare(self._activity.main_frame, self.document), self._begin()
        )

    async def _begin(self) -> None:
        if self._is_warm:
            self._is_warm = False
            await self.send("Page.resetNavigationHistory")

    async def traverse(self, steps: int) -> None:
        history = await self.send("Page.getNavigationHistory")
        index = history["currentIndex"] + steps
        where = "previous" if steps < 0 else "next"
        if not 0 <= index < len(history["entries"]) or history["entries"][index]["url"] == "about:blank":
            raise NotActionable(f"there is no {where} page in this tab")
        await self.send("Page.navigateToHistoryEntry", {"entryId": history["entries"][index]["id"]})
        await self.settle()

    async def tree(self, *, boxes: bool = False) -> Tree:
        return parse(await self._read(format="tree", boxes=boxes))

    async def text(self, last: int, taken: list[int], *, boxes: bool = False) -> Text:
        return parse_text(await self._read(format="compact", last=last, taken=taken, boxes=boxes))

    async def _read(self, **options: Any) -> Answer:
        """What the page script says of the document. Raises TabCrashed when it cannot be read.

        The document may go away in the middle of it, or nothing have come of it yet; some pages never stay at one.
        """
        until = time.monotonic() + self._read_s
        told: Answer | None = None
        failures: list[NotActionable] = []
        is_stopped = False
        while True:
            try:
                answer = await self._reader.observe(self._activity.main_frame, self.document, options)
            except NotActionable as error:
                failures.append(error)
                remedy = self.settle if len(failures) == 1 else self._stop
            else:
                told = answer
                if answer.data["num"] > _NUM_BARE or self._activity.has_content:
                    return told
                # Where it was quicker than the stop, what came next was stopped with nothing on it.
                remedy = self._again if is_stopped else self._content
            if time.monotonic() > until:
                break
            is_stopped = remedy == self._stop
            with contextlib.suppress(NotActionable):  # it is between two documents
                await remedy()
            if remedy == self._content and not self._activity.has_content:
                break
        if told is None:
            raise TabCrashed(f"the page cannot be read: {failures[-1]}") from failures[-1]
        return told

    async def _content(self) -> None:
        """Wait, bounded, until the HTML of the document has been read."""
        with contextlib.suppress(TimeoutError):
            async with self.clock.limit(self._settle_s):
                await self._activity.content()

    async def _stop(self) -> None:
        """Keep the page from leaving the document that it shows, once its content has come: later none would come."""
        await self._content()
        await self.send("Page.stopLoading")

    async def _again(self) -> None:
        await self.send("Page.navigate", {"url": self.url})

    async def element(self, number: int) -> str:
        """The DevTools object of an element of the last tree. Raises NotActionable when it is gone."""
        return await self._reader.resolve(number, self.document)

    async def run(self, number: int, name: str, *arguments: object) -> dict[str, Any]:
        """What a function of the page script answers about an element. Raises NotActionable when it is gone."""
        return await self._reader.run(number, self.document, name, *arguments)

    async def locate(self, nodes: Iterable[int], *, full_page: bool) -> dict[int, Box]:
        return await self._reader.locate(nodes, self.document, whole=full_page)

    async def frames_around(self, first: int) -> list[str]:
        """The DevTools objects of the frames of other origins around a document, by what its numbers begin after."""
        return await self._reader.frames_around(first)

    async def evaluate(self, expression: str) -> Any:
        wrapped = scripts.VALUE % expression.strip().rstrip(";")
        reply = await self.send(
            "Runtime.evaluate",
            {"expression": wrapped, "awaitPromise": True, "returnByValue": True, "userGesture": True},
        )
        if "exceptionDetails" in reply:
            details = reply["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details.get("text", "it threw")
            raise NotActionable(text.splitlines()[0])
        return reply["result"].get("value")

    async def content(self) -> str:
        return await self.bounded(self.page.content(), "its content")

    async def screenshot(self, *, full_page: bool) -> bytes:
        if self.clock.is_held:
            return await dialogs.picture(self.hand, self._call_s)
        params: dict[str, Any] = {"format": "jpeg", "quality": _QUALITY, "optimizeForSpeed": True}
        if full_page:
            size = (await self.send("Page.getLayoutMetrics"))["cssContentSize"]
            height = min(size["height"], _MAX_IMAGE_HEIGHT)
            params["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1}
            params["captureBeyondViewport"] = True
        return base64.b64decode((await self.send("Page.captureScreenshot", params))["data"])
