"""Reading a page from inside: the page script in a world of its own, once per document.

Invariant: the page's own script neither sees nor changes the reader; a number leads to an element of the document
that the number was read from, or to nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from services.browser import page
from services.browser.ports import NotActionable

_WORLD = "ratchet"
_OBSERVE = "function(options) { return this.observe(JSON.parse(options)); }"
_MARK = "function(numbers) { this.mark(JSON.parse(numbers)); }"
_RESOLVE = "function(number) { return this.resolve(number); }"
# Elements of which the script must know whether they are clicked, at the head of its answer.
_ASKED = re.compile(r'\{"ask":\[([\d,]+)\]')
_CLICKS = frozenset({"click", "mousedown", "mouseup", "dblclick"})

Send = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Reader:
    """The page script of one tab's main frame."""

    def __init__(self, send: Send) -> None:
        self._send = send
        # The document that the script was started in, and the script.
        self._document = ""
        self._script = ""

    async def observe(self, frame: str, document: str, options: dict[str, object]) -> str:
        """The page script's answer (see page/observe.js).

        Raises NotActionable when the document went away or the script was stopped.
        """
        script = await self._started(frame, document)
        answer = await self._answer(script, options)
        asked = _ASKED.match(answer)
        if asked is None:
            return answer
        numbers = [int(number) for number in asked[1].split(",")]
        clicked = await asyncio.gather(*(self._is_clicked(number, document) for number in numbers))
        marked = [number for number, is_clicked in zip(numbers, clicked, strict=True) if is_clicked]
        if not marked:
            return answer
        await self._call(script, _MARK, json.dumps(marked), by_value=True)
        return await self._answer(script, options)

    async def _answer(self, script: str, options: dict[str, object]) -> str:
        reply = await self._call(script, _OBSERVE, json.dumps(options), by_value=True)
        if reply.get("type") != "string":
            self._script = ""
            raise NotActionable("the page script gave no answer")
        return str(reply["value"])

    async def _is_clicked(self, number: int, document: str) -> bool:
        """Whether a script of the page listens for clicks on the element."""
        try:
            found = await self.resolve(number, document)
            # Without `pierce` only the listeners of the reader's own world are told.
            reply = await self._send("DOMDebugger.getEventListeners", {"objectId": found, "depth": 1, "pierce": True})
        except NotActionable:
            return False
        return any(listener["type"] in _CLICKS for listener in reply["listeners"])

    async def resolve(self, number: int, document: str) -> str:
        """The DevTools object of a numbered element. Raises NotActionable when it is gone."""
        gone = NotActionable("is not on the page any more")
        if not self._script or document != self._document:
            raise gone
        try:
            reply = await self._call(self._script, _RESOLVE, number, by_value=False)
        except NotActionable as error:
            raise gone from error
        if "objectId" not in reply:
            raise gone
        return str(reply["objectId"])

    async def _started(self, frame: str, document: str) -> str:
        if not self._script or document != self._document:
            world = await self._send("Page.createIsolatedWorld", {"frameId": frame, "worldName": _WORLD})
            started = await self._send(
                "Runtime.evaluate", {"expression": page.source(), "contextId": world["executionContextId"]}
            )
            if "exceptionDetails" in started:
                raise NotActionable("the page script did not start")
            self._script, self._document = str(started["result"]["objectId"]), document
        return self._script

    async def _call(self, script: str, function: str, argument: object, *, by_value: bool) -> dict[str, Any]:
        reply = await self._send(
            "Runtime.callFunctionOn",
            {
                "objectId": script,
                "functionDeclaration": function,
                "arguments": [{"value": argument}],
                "returnByValue": by_value,
            },
        )
        if "exceptionDetails" in reply:
            told = reply["exceptionDetails"].get("exception", {}).get("description") or "it was stopped"
            raise NotActionable(f"the page script failed: {told.splitlines()[0]}")
        result: dict[str, Any] = reply["result"]
        return result
