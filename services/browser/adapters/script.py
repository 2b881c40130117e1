"""The page script in one document: its DevTools object, and what it is asked.

Invariant: what goes wrong in the page is NotActionable; the object dies with its document and answers nothing then.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import orjson

from services.browser import page
from services.browser.ports import NotActionable

WORLD = "ratchet"
_OBSERVE = "function(options) { return this.observe(JSON.parse(options)); }"
_LOCATE = "function(options) { return this.locate(JSON.parse(options)); }"
_MARK = "function(numbers) { this.mark(JSON.parse(numbers)); }"
_RESOLVE = "function(number) { return this.resolve(number); }"
# Functions of the page script that are called on an element (see page/aim.js).
_RUN = """function(number, name, ...how) {
  const element = this.resolve(number);
  return element ? globalThis[name].apply(element, how) : {gone: true};
}"""

Send = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class Script:
    """A page script that was started."""

    def __init__(self, send: Send, script: str, first: int, owner: tuple[Script, int] | None) -> None:
        self._send, self._object = send, script
        # Its numbers are those after this one.
        self.first = first
        # For a frame of another origin: the script around it, and the number of its element there.
        self.owner = owner
        # Scripts in the frames of other origins, by their elements' numbers.
        self.frames: dict[int, Script] = {}
        # Small ids that it has given, where the page has such frames.
        self.given: Sequence[int] = ()

    async def observe(self, options: dict[str, object]) -> dict[str, Any]:
        """Its answer (see page/observe.js)."""
        reply = await self._call(_OBSERVE, json.dumps(options), by_value=True)
        if reply.get("type") != "string":
            raise NotActionable("the page script gave no answer")
        data: dict[str, Any] = orjson.loads(reply["value"])
        self.given = data.get("given", ())
        return data

    async def locate(self, options: dict[str, object]) -> dict[str, Any]:
        """Where elements and frames are to be seen (see page/boxes.js)."""
        reply = await self._call(_LOCATE, json.dumps(options), by_value=True)
        found: dict[str, Any] = orjson.loads(reply["value"])
        return found

    async def mark(self, numbers: list[int]) -> None:
        """Tell it which elements a script of the page listens for clicks on."""
        await self._call(_MARK, json.dumps(numbers), by_value=True)

    async def resolve(self, number: int) -> str:
        """The DevTools object of an element of it. Raises NotActionable when it is gone."""
        gone = NotActionable("is not on the page any more")
        try:
            reply = await self._call(_RESOLVE, number, by_value=False)
        except NotActionable as error:
            raise gone from error
        if "objectId" not in reply:
            raise gone
        return str(reply["objectId"])

    async def run(self, number: int, name: str, *arguments: object) -> dict[str, Any]:
        """The answer of one of its functions about an element. Raises NotActionable when that is gone."""
        reply = await self._call(_RUN, number, name, *arguments, by_value=True, waits=True)
        answer: dict[str, Any] = reply["value"]
        if "gone" in answer:
            raise NotActionable("is not on the page any more")
        return answer

    async def _call(self, function: str, *arguments: object, by_value: bool, waits: bool = False) -> dict[str, Any]:
        reply = await self._send(
            "Runtime.callFunctionOn",
            {
                "objectId": self._object,
                "functionDeclaration": function,
                "arguments": [{"value": argument} for argument in arguments],
                "returnByValue": by_value,
                "awaitPromise": waits,
            },
        )
        if "exceptionDetails" in reply:
            told = reply["exceptionDetails"].get("exception", {}).get("description") or "it was stopped"
            raise NotActionable(f"the page script failed: {told.splitlines()[0]}")
        result: dict[str, Any] = reply["result"]
        return result


async def start(send: Send, frame: str, first: int, owner: tuple[Script, int] | None = None) -> Script:
    """Start the page script in the document that a frame shows, in a world of its own. Raises NotActionable."""
    world = await send("Page.createIsolatedWorld", {"frameId": frame, "worldName": WORLD})
    for expression in (page.start(first), page.source(first)):
        asked = {"expression": expression, "contextId": world["executionContextId"]}
        started = await send("Runtime.evaluate", asked)
        if "objectId" in started["result"] and "exceptionDetails" not in started:
            return Script(send, str(started["result"]["objectId"]), first, owner)
    raise NotActionable("the page script did not start")
