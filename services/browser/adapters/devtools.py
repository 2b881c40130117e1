"""Our own line to Chromium: DevTools over one WebSocket per process, many attached pages on it.

Invariant: an answer reaches the command that asked, an event the page that it is of; when the line breaks every
waiting command fails with Disconnected. Playwright opens contexts and pages; what is asked of them at every step
goes this way, without a second process in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Listener = Callable[[dict[str, Any]], None]
# Longer answers than this are no observation of ours; the line would be closed by one.
_MAX_MESSAGE_BYTES = 256 * 1024 * 1024
_PATIENCE_S = 30.0
_AGAIN_S = 0.02

# Chromium's answer to what is asked of a page that was closed meanwhile.
_NO_SESSION = -32001
# Asked of the browser: these are no page's own. They are not held, for Playwright lets them run at once.
_SHARED_WORKERS = {
    "autoAttach": True,
    "waitForDebuggerOnStart": False,
    "flatten": True,
    "filter": [{"type": "shared_worker"}],
}


class Refused(Exception):
    """Chromium's answer to a command was an error; the text is its own."""


class Disconnected(Exception):
    """The line to Chromium, or the page at its end, is gone."""


class Closed(Disconnected):
    """The page at the end of the line was closed, by itself or by us; a crash leaves it there."""


class DevTools:
    """The line to one Chromium process."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._waiting: dict[int, tuple[str, asyncio.Future[dict[str, Any]]]] = {}
        self._pages: dict[str, Page] = {}
        # The contexts of sessions that are pages.
        self._contexts: dict[str, str] = {}
        self._last = 0
        self._reading = asyncio.create_task(self._read(), name="browser: hear Chromium")

    @classmethod
    async def connect(cls, profile: Path) -> DevTools:
        """To the Chromium that was started on this profile directory. Raises Disconnected."""
        try:
            port, path = await _listening(profile / "DevToolsActivePort")
            url = f"ws://127.0.0.1:{port}{path}"
            socket = await connect(url, compression=None, max_size=_MAX_MESSAGE_BYTES, proxy=None, ping_interval=None)
        except (OSError, ValueError, InvalidHandshake) as error:
            raise Disconnected(f"Chromium's DevTools cannot be reached: {error}") from error
        line = cls(socket)
        try:
            await asyncio.wait_for(line.send("Target.setAutoAttach", _SHARED_WORKERS), _PATIENCE_S)
        except (Refused, TimeoutError) as error:
            await line.close()
            why = str(error) or f"no answer in {_PATIENCE_S:.0f} s"
            raise Disconnected(f"Chromium's DevTools cannot be used: {why}") from error
        return line

    async def attach(self, target: str) -> Page:
        """A page by its target id. Raises Refused, Disconnected."""
        reply = await self.send("Target.attachToTarget", {"targetId": target, "flatten": True})
        page = Page(self, reply["sessionId"])
        self._pages[page.session] = page
        return page

    def adopt(self, session: str) -> Page:
        """A page's worker that Chromium attached by itself."""
        self._pages[session] = Page(self, session)
        return self._pages[session]

    async def send(self, method: str, params: dict[str, Any], session: str = "") -> dict[str, Any]:
        """The answer to a command. Raises Refused, Disconnected."""
        if self._reading.done():
            raise Disconnected("the browser is gone")
        self._last += 1
        number = self._last
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._waiting[number] = (session, answer)
        try:
            await self._socket.send(orjson.dumps(message), text=True)
            return await answer
        except ConnectionClosed as error:
            raise Disconnected("the browser is gone") from error
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Hang up; idempotent."""
        await self._socket.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        try:
            while True:
                self._hear(_message(await self._socket.recv(decode=False)))
        except ConnectionClosed:
            pass
        finally:
            self._fail(None)

    def _hear(self, message: dict[str, Any]) -> None:
        number = message.get("id")
        if number is not None:
            _, answer = self._waiting.get(number, ("", None))
            if answer is None or answer.done():
                return
            if message.get("error", {}).get("code") == _NO_SESSION:
                answer.set_exception(Closed("the page is gone"))
            elif "error" in message:
                answer.set_exception(Refused(message["error"].get("message", "it was refused")))
            else:
                answer.set_result(message["result"])
        elif message["method"] == "Target.detachedFromTarget":
            gone = self._pages.pop(message["params"]["sessionId"], None)
            self._contexts.pop(message["params"]["sessionId"], None)
            if gone is not None:
                self._fail(gone.session)
        elif message["method"] == "Target.attachedToTarget" and "sessionId" not in message:
            self._attached(message["params"])
        elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
            page.hear(message["method"], message["params"])

    def _attached(self, event: dict[str, Any]) -> None:
        """Chromium attached a page, or a worker that pages share: the first page of its context is told of that."""
        target = event["targetInfo"]
        context = target.get("browserContextId", "")
        if target["type"] == "page":
            self._contexts[event["sessionId"]] = context
        elif target["type"] == "shared_worker":
            of_it = (self._pages.get(session) for session, other in self._contexts.items() if other == context)
            page = next((page for page in of_it if page is not None), None)
            if page is not None:
                page.hear("Target.attachedToTarget", event)

    def _fail(self, session: str | None) -> None:
        """Fail what waits for an answer of a page, or of any."""
        for asked_of, answer in list(self._waiting.values()):
            if session in (None, asked_of) and not answer.done():
                answer.set_exception(Closed("the page is gone") if session else Disconnected("the browser is gone"))


def _message(text: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = json.loads(text)  # half a letter, which pages can make
    return found


async def _listening(file: Path) -> tuple[str, str]:
    """Port and path; a Chromium short of CPU writes them a while after Playwright has reached it."""
    try:
        async with asyncio.timeout(_PATIENCE_S):
            # A file that Chromium writes when it likes has no event.
            while not (file.exists() and len(found := file.read_text("utf-8").split()) == 2):  # noqa: ASYNC110
                await asyncio.sleep(_AGAIN_S)
    except TimeoutError as error:
        raise Disconnected(f"Chromium did not say within {_PATIENCE_S:.0f} s where its DevTools listen") from error
    return found[0], found[1]


class Page:
    """One attached page."""

    def __init__(self, line: DevTools, session: str) -> None:
        self.session = session
        self._line = line
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a command. Raises Refused, Disconnected."""
        return await self._line.send(method, params or {}, self.session)

    def worker(self, session: str) -> Page:
        """A worker of this page, by the session that Target.attachedToTarget told."""
        return self._line.adopt(session)

    def on(self, event: str, f: Listener) -> None:
        """Call `f` with the parameters of every such event."""
        self._listeners[event].append(f)

    def hear(self, event: str, params: dict[str, Any]) -> None:
        """Tell the listeners."""
        for listener in self._listeners.get(event, ()):
            listener(params)
