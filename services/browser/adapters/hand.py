"""Real mouse and keyboard events on one Chromium page.

Invariant: nothing is clicked that a person could not click there: the element is on the page, in view, and
the event reaches it; after each gesture the page has settled.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from services.browser.adapters import scripts
from services.browser.ports import NotActionable

if TYPE_CHECKING:
    from services.browser.adapters.tab import ChromiumTab

_ENTER = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "nativeVirtualKeyCode": 13}
# Names that models use for keys, under Playwright's.
_KEYS = {
    "alt": "Alt",
    "backspace": "Backspace",
    "cmd": "Meta",
    "command": "Meta",
    "control": "Control",
    "ctrl": "Control",
    "del": "Delete",
    "delete": "Delete",
    "down": "ArrowDown",
    "arrowdown": "ArrowDown",
    "end": "End",
    "enter": "Enter",
    "esc": "Escape",
    "escape": "Escape",
    "home": "Home",
    "left": "ArrowLeft",
    "arrowleft": "ArrowLeft",
    "meta": "Meta",
    "option": "Alt",
    "page_down": "PageDown",
    "pagedown": "PageDown",
    "page_up": "PageUp",
    "pageup": "PageUp",
    "return": "Enter",
    "right": "ArrowRight",
    "arrowright": "ArrowRight",
    "shift": "Shift",
    "space": "Space",
    "tab": "Tab",
    "up": "ArrowUp",
    "arrowup": "ArrowUp",
}


class ChromiumHand:
    """Mouse and keyboard of a tab."""

    def __init__(self, tab: ChromiumTab) -> None:
        self._tab = tab

    async def click(self, node: int) -> None:
        element = await self._tab.element(node)
        if await self._press_on(element):
            await self._tab.settle()

    async def hover(self, node: int) -> None:
        point = await self._call(await self._tab.element(node), scripts.POINT)
        if "x" in point:
            await self._mouse("mouseMoved", point)
        await self._tab.settle()

    async def type(self, node: int, text: str, *, enter: bool) -> None:
        element = await self._tab.element(node)
        await self._call(element, scripts.TAKES_TEXT)
        await self._press_on(element)
        field = await self._call(element, scripts.FIELD)
        if "assign" in field:
            await self._call(element, scripts.ASSIGN, text)
        elif text:
            await self._tab.send("Input.insertText", {"text": text})
        else:
            await self._tab.bounded(self._tab.page.keyboard.press("Delete"), "a key")
        if enter:
            await self._key(_ENTER | {"text": "\r"})
        await self._tab.settle()

    async def press(self, keys: str) -> None:
        combination = "+".join(_key_name(key) for key in _split(keys))
        try:
            await self._tab.bounded(self._tab.page.keyboard.press(combination), "a key")
        except NotActionable as error:
            raise NotActionable(f"{keys!r} is not a key combination such as Enter or Control+A") from error
        await self._tab.settle()

    async def scroll(self, pages: int) -> None:
        await self._tab.evaluate(f"scrollBy({{top: {pages} * innerHeight, behavior: 'instant'}})")
        await self._tab.settle()

    async def _press_on(self, element: str) -> bool:
        """Click the element's reachable point; False when the page was told without a click."""
        point = await self._call(element, scripts.POINT)
        if "x" not in point:
            await self._tab.settle()
            return False
        # Sent together: Chromium keeps their order, and only the last answer is worth waiting for.
        await asyncio.gather(
            self._mouse("mouseMoved", point),
            self._mouse("mousePressed", point, button="left", clickCount=1),
            self._mouse("mouseReleased", point, button="left", clickCount=1),
        )
        return True

    async def _mouse(self, kind: str, point: dict[str, Any], **more: object) -> None:
        await self._tab.send("Input.dispatchMouseEvent", {"type": kind, "x": point["x"], "y": point["y"], **more})

    async def _key(self, key: dict[str, Any]) -> None:
        await asyncio.gather(
            self._tab.send("Input.dispatchKeyEvent", {"type": "keyDown", **key}),
            self._tab.send("Input.dispatchKeyEvent", {"type": "keyUp", **key}),
        )

    async def _call(self, element: str, function: str, *arguments: str) -> dict[str, Any]:
        """The function's answer for the element; NotActionable with its error."""
        reply = await self._tab.send(
            "Runtime.callFunctionOn",
            {
                "objectId": element,
                "functionDeclaration": function,
                "arguments": [{"value": argument} for argument in arguments],
                "returnByValue": True,
                "userGesture": True,
            },
        )
        answer: dict[str, Any] = reply["result"].get("value") or {"error": "cannot be used on this page"}
        if "error" in answer:
            raise NotActionable(answer["error"])
        return answer


def _split(keys: str) -> list[str]:
    keys = keys.strip()
    return [*keys[:-2].split("+"), "+"] if keys.endswith("++") else keys.split("+") if keys != "+" else ["+"]


def _key_name(key: str) -> str:
    key = key.strip()
    return _KEYS.get(key.lower(), key)
