"""Dragging one element onto another with the mouse: what scripts move by its events, and what HTML moves by itself.

Invariant: both ends are checked before anything is pressed, and whatever happens the button is let go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.browser.ports import NotActionable

if TYPE_CHECKING:
    from services.browser.adapters.hand import ChromiumHand

# Moves between the two points: listeners that follow the mouse see it come.
_STEPS = 6
# Pixels after which every kind of dragging has begun.
_NUDGE = 12.0
_LEFT = {"button": "left", "buttons": 1}
# Watches for a drag of HTML's own, and tells whether one began and was left to it.
_WATCH = """function() {
  const watch = globalThis.ratchetDrag = {event: null};
  this.ownerDocument.defaultView.addEventListener('dragstart', e => { watch.event = e; }, {capture: true, once: true});
  return {done: true};
}"""
_BEGAN = """function() {
  const event = globalThis.ratchetDrag.event;
  return {began: Boolean(event) && !event.defaultPrevented};
}"""


async def drag(hand: ChromiumHand, element: str, onto: int) -> None:
    """Drag the element onto the numbered one. Raises NotActionable with the number where it is said of that one."""

    async def aim_at_target(mode: str) -> dict[str, Any]:
        try:
            point = await hand.aim(await hand.tab.element(onto), mode)
            if "menu" in point:
                raise NotActionable("takes nothing that is dragged")
        except NotActionable as error:
            error.node = onto
            raise
        return point

    await aim_at_target("hover")
    start = await hand.aim(element, "grab")
    if "menu" in start:
        raise NotActionable("cannot be dragged")
    await hand.call(element, _WATCH)
    intercepted = hand.heard("Input.dragIntercepted")
    await hand.tab.send("Input.setInterceptDrags", {"enabled": True})
    where, is_html = start, False
    try:
        await hand.mouse("mouseMoved", start)
        await hand.mouse("mousePressed", start, button="left", clickCount=1)
        end = await aim_at_target("still")
        where = _between(start, end, _NUDGE)
        await hand.mouse("mouseMoved", where, **_LEFT)
        is_html = bool((await hand.call(element, _BEGAN))["began"])
        if "away" in end:
            # Not in one view with the start: the page is scrolled under the mouse, as by a wheel.
            end = await aim_at_target("hover")
        if is_html:
            data = (await hand.tab.bounded(intercepted.get(), "a drag"))["data"]
            await _carry(hand, where, end, data)
        else:
            for step in range(1, _STEPS + 1):
                await hand.mouse("mouseMoved", _between(where, end, part=step / _STEPS), **_LEFT)
            # Lists that make room while something passes over them need it to come to rest.
            await hand.mouse("mouseMoved", end, **_LEFT)
        where = end
    finally:
        await hand.mouse("mouseReleased", where, button="left", clickCount=1)
        await hand.tab.send("Input.setInterceptDrags", {"enabled": False})


async def _carry(hand: ChromiumHand, start: dict[str, Any], end: dict[str, Any], data: dict[str, Any]) -> None:
    """What Chromium's own drag does once it began."""

    async def send(kind: str, point: dict[str, Any]) -> None:
        at = {"x": point["x"], "y": point["y"]}
        await hand.tab.send("Input.dispatchDragEvent", {"type": kind, "data": data, **at})

    await send("dragEnter", start)
    for step in range(1, _STEPS + 1):
        await send("dragOver", _between(start, end, part=step / _STEPS))
    await send("dragOver", end)
    await send("drop", end)


def _between(start: dict[str, Any], end: dict[str, Any], pixels: float = 0.0, *, part: float = 0.0) -> dict[str, Any]:
    """The point so many pixels, or that part of the way, from start to end."""
    across, down = end.get("x", start["x"]) - start["x"], end.get("y", start["y"] + 100) - start["y"]
    way = max((across**2 + down**2) ** 0.5, 1e-9)
    part = min(pixels / way, 1.0) if pixels else part
    return {"x": start["x"] + across * part, "y": start["y"] + down * part}
