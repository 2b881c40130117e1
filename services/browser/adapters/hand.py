"""Real mouse and keyboard events on one Chromium page.

Invariant: nothing is clicked that a person could not click there: the element is on the page, in view, and
the event reaches it; after each gesture the page has settled.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from services.browser.adapters import choosing, dragging, scripts, uploading
from services.browser.ports import Covered, NotActionable, Pick

if TYPE_CHECKING:
    from services.browser.adapters.tab import ChromiumTab

# The key under which a click adds to what is chosen in a list: Meta or Control.
_ADDS = 4 if sys.platform == "darwin" else 2
# How often an element that moves away is aimed at.
_AIMS = 3
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


class Pressed(NamedTuple):
    """What became of a press."""

    # An option of a closed menu cannot be pressed: its index.
    menu: int | None = None
    # The page's queue has turned since.
    has_turned: bool = False


class ChromiumHand:
    """Mouse and keyboard of a tab."""

    def __init__(self, tab: ChromiumTab) -> None:
        self.tab = tab
        # The document and the point that the mouse was last sent to.
        self._at: tuple[str, float, float] | None = None
        self._heard: dict[str, asyncio.Queue[dict[str, Any]]] = {}

    async def click(self, node: int) -> None:
        pressed = await self.press_on(node)
        if pressed.menu is not None:
            await choosing.choose_in_menu(self, await self.tab.element(node), pressed.menu)
        await self.tab.settle(has_turned=pressed.has_turned)

    async def hover(self, node: int) -> None:
        point = await self.aim(node, "hover")
        if "menu" not in point:
            await self.mouse("mouseMoved", point)
        await self.tab.settle()

    async def type(self, node: int, text: str, *, enter: bool) -> None:
        element = await self.tab.element(node)
        await self.call(element, scripts.TAKES_TEXT)
        await self.press_on(element)
        field = await self.call(element, scripts.FIELD)
        if "assign" in field:
            await self.call(element, scripts.ASSIGN, text)
        elif text:
            await self.tab.send("Input.insertText", {"text": text})
        else:
            await self.key("Delete", 46)
        if enter:
            await self.key("Enter", 13, text="\r")
        await self.tab.settle()

    async def select(self, node: int, pick: Pick) -> None:
        await choosing.choose(self, await self.tab.element(node), pick)
        await self.tab.settle()

    async def upload(self, node: int, paths: Sequence[Path]) -> None:
        await uploading.upload(self, await self.tab.element(node), paths)
        await self.tab.settle()

    async def drag(self, node: int, onto: int) -> None:
        await dragging.drag(self, await self.tab.element(node), onto)
        await self.tab.settle()

    async def press(self, keys: str) -> None:
        combination = "+".join(_key_name(key) for key in _split(keys))
        async with self.tab.clipboard.around(self.tab, combination):
            try:
                await self.tab.bounded(self.tab.page.keyboard.press(combination), "a key")
            except NotActionable as error:
                raise NotActionable(f"{keys!r} is not a key combination such as Enter or Control+A") from error
        await self.tab.settle()

    async def scroll(self, pages: int) -> None:
        await self.tab.evaluate(f"scrollBy({{top: {pages} * innerHeight, behavior: 'instant'}})")
        await self.tab.settle()

    async def press_on(self, target: int | str) -> Pressed:
        """Click the reachable point of an element, by its number or DevTools object."""
        for _ in range(_AIMS):
            point = await self.aim(target, "press")
            if "menu" in point:
                return Pressed(menu=int(point["menu"]))
            modifiers = _ADDS if "adds" in point else 0
            held: dict[str, Any] = {"button": "left", "clickCount": 1, "modifiers": modifiers}
            # Sent together: Chromium keeps their order, and only the last answer is worth waiting for.
            await asyncio.gather(
                *([] if self._is_at(point) else [self.mouse("mouseMoved", point, modifiers=modifiers)]),
                self.mouse("mousePressed", point, **held),
                self.mouse("mouseReleased", point, **held),
            )
            try:
                landed = await self._ask(target, "pressLanded")
            except NotActionable:
                return Pressed()  # the click took the document, or the page, away
            if landed["landed"]:
                return Pressed(has_turned=True)
        raise NotActionable("moves away from the mouse when it is clicked")

    async def aim(self, target: int | str, mode: str) -> dict[str, Any]:
        """Where in the window the mouse reaches the element, or what else is to be said of it (see page/aim.js)."""
        point = await self._ask(target, "aimAt", mode)
        if not point.get("first"):
            return point
        found = await self._through_frames(point)
        if "away" not in found or mode == "still":
            return found
        # Only Chromium scrolls what is around a frame of another origin.
        element = target if isinstance(target, str) else await self.tab.element(target)
        await self.tab.send("DOM.scrollIntoViewIfNeeded", {"objectId": element})
        found = await self._through_frames(await self._ask(target, "aimAt", mode))
        if "away" in found:
            raise NotActionable("cannot be scrolled into view")
        return found

    async def _through_frames(self, point: dict[str, Any]) -> dict[str, Any]:
        """A point of a frame of another origin as one of the window."""
        found = point
        for frame in await self.tab.frames_around(point["first"]):
            at = await self._ask(frame, "aimAt", "through", {"x": found["x"], "y": found["y"]})
            if "away" in at:
                return at
            found = point | at
        return found

    def heard(self, event: str) -> asyncio.Queue[dict[str, Any]]:
        """Chromium's events of that name from now on."""
        if event not in self._heard:
            self._heard[event] = asyncio.Queue()
            self.tab.line.on(event, self._heard[event].put_nowait)
        while not self._heard[event].empty():
            self._heard[event].get_nowait()
        return self._heard[event]

    async def mouse(self, kind: str, point: Mapping[str, Any], **more: object) -> None:
        """One event of the mouse at a point of the window."""
        self._at = (self.tab.document, point["x"], point["y"])
        await self.tab.send("Input.dispatchMouseEvent", {"type": kind, "x": point["x"], "y": point["y"], **more})

    async def key(self, name: str, code: int, **more: object) -> None:
        """One key, pressed and let go."""
        key = {"key": name, "code": name, "windowsVirtualKeyCode": code, "nativeVirtualKeyCode": code}
        await asyncio.gather(
            self.tab.send("Input.dispatchKeyEvent", {"type": "keyDown", **key, **more}),
            self.tab.send("Input.dispatchKeyEvent", {"type": "keyUp", **key}),
        )

    async def call(self, element: str, function: str, *arguments: object) -> dict[str, Any]:
        """The function's answer for the element; NotActionable, or Covered, with its error."""
        reply = await self.tab.send("Runtime.callFunctionOn", _question(element, function, arguments, by_value=True))
        return _checked(reply["result"].get("value") or {"error": "cannot be used on this page"})

    async def _ask(self, target: int | str, name: str, *arguments: object) -> dict[str, Any]:
        """The same of a function of the page script, for an element by its number or DevTools object."""
        if isinstance(target, int):
            return _checked(await self.tab.run(target, name, *arguments))
        return await self.call(target, f"function(...how) {{ return {name}.apply(this, how); }}", *arguments)

    def _is_at(self, point: Mapping[str, Any]) -> bool:
        return self._at == (self.tab.document, point["x"], point["y"])

    async def part(self, element: str, function: str, *arguments: object) -> str:
        """The DevTools object of the node that the function gives for the element."""
        reply = await self.tab.send("Runtime.callFunctionOn", _question(element, function, arguments, by_value=False))
        if reply["result"].get("subtype") != "node":
            raise NotActionable("changed while it was used")
        return str(reply["result"]["objectId"])


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if "by" in answer:
        raise Covered(answer["error"], answer["by"], answer["inside"])
    if "error" in answer:
        raise NotActionable(answer["error"])
    return answer


def _question(element: str, function: str, arguments: Sequence[object], *, by_value: bool) -> dict[str, Any]:
    return {
        "objectId": element,
        "functionDeclaration": function,
        "arguments": [{"value": argument} for argument in arguments],
        "returnByValue": by_value,
        "awaitPromise": by_value,
    }


def _split(keys: str) -> list[str]:
    keys = keys.strip()
    return [*keys[:-2].split("+"), "+"] if keys.endswith("++") else keys.split("+") if keys != "+" else ["+"]


def _key_name(key: str) -> str:
    key = key.strip()
    return _KEYS.get(key.lower(), key)
