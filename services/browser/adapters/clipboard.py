"""The clipboard of one session: Chromium has one for all sessions of a process.

Invariant: a session pastes what it copied itself, in whichever of its tabs, or nothing. What a document copies is noted
in it (page/clipboard.js) and taken here; before a paste by keys it is put back, one session at a time, and the document
lets nothing else through. By script no page can paste unless its session may read the clipboard, and such a session has
a process of its own, where none of this is needed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from services.browser import page
from services.browser.adapters.script import WORLD
from services.browser.ports import NotActionable, TabCrashed

if TYPE_CHECKING:
    from services.browser.adapters.devtools import DevTools, Page
    from services.browser.adapters.tab import ChromiumTab

# Sessions with one of these have a process of their own.
PERMISSIONS = frozenset({"clipboard-read", "clipboard-write"})
_COPIES = frozenset({"Control+C", "Control+X", "Control+Insert", "Shift+Delete"})
_PASTES = frozenset({"Control+V", "Shift+Insert", "Control+Shift+V"})
# Copies data by type, in a page of nobody's.
_PUT = """(data => {
  const field = document.body.appendChild(document.createElement('textarea'));
  field.value = ' ';
  field.select();
  addEventListener('copy', event => {
    event.preventDefault();
    for (const [type, value] of Object.entries(data)) event.clipboardData.setData(type, value);
  }, {once: true});
  const isDone = document.execCommand('copy');
  field.remove();
  return isDone;
})(%s)"""


class SharedClipboard:
    """The clipboard of one process."""

    def __init__(self, line: DevTools) -> None:
        self.lock = asyncio.Lock()
        self._line = line
        self._page: Page | None = None

    async def put(self, data: dict[str, str]) -> None:
        """Make it hold this and nothing else. Raises Refused, Disconnected."""
        if self._page is None:
            opened = await self._line.send("Target.createTarget", {"url": "about:blank"})
            self._page = await self._line.attach(opened["targetId"])
        await self._page.send("Runtime.evaluate", {"expression": _PUT % json.dumps(data), "userGesture": True})


class Clipboard:
    """The clipboard of one session."""

    def __init__(self, shared: SharedClipboard | None, tabs: Sequence[ChromiumTab]) -> None:
        """`shared` is None where the session has a process of its own; `tabs` are those of the moment."""
        self._shared, self._tabs = shared, tabs
        self._data: dict[str, str] = {}
        self._at = 0.0

    def hear(self, copied: dict[str, Any] | None) -> None:
        """Take what a document noted."""
        if copied is not None and copied["at"] >= self._at:
            self._at, self._data = copied["at"], copied["data"]

    @contextlib.asynccontextmanager
    async def around(self, tab: ChromiumTab, keys: str) -> AsyncIterator[None]:
        """Inside, the keys may be pressed. Raises NotActionable where what would be pasted is not the session's."""
        kind = _kind(keys)
        if self._shared is None or kind not in _COPIES | _PASTES:
            yield
        elif kind in _COPIES:
            yield
            await self._take()
        else:
            await self._take()
            if not self._data:
                yield  # whatever is there, documents let nothing through
                return
            async with self._shared.lock:
                await tab.bounded(self._shared.put(self._data), "the clipboard")
                await _everywhere(tab, f"expect({json.dumps(self._data)})")
                try:
                    yield
                finally:
                    refused = await _everywhere(tab, "expect(null)")
            if any(refused):
                raise NotActionable("found the clipboard in use; press the keys again")

    async def _take(self) -> None:
        """What documents have noted and not told yet."""
        for tab in list(self._tabs):
            with contextlib.suppress(TabCrashed):  # its session is told otherwise
                for copied in await _everywhere(tab, "take()"):
                    self.hear(copied)


def _kind(keys: str) -> str:
    """A combination as it is written in the sets above."""
    *held, key = keys.replace("ControlOrMeta", "Control").replace("Meta", "Control").split("+")
    return "+".join([*sorted(held), key.removeprefix("Key").capitalize()])


async def _everywhere(tab: ChromiumTab, call: str) -> list[Any]:
    """What a function of page/clipboard.js gives in the documents of all frames of a tab."""

    async def ask(frame: str) -> Any:
        try:
            world = await tab.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": WORLD})
            asked = {"expression": f"{page.clipboard()}.{call}", "contextId": world["executionContextId"]}
            reply = await tab.send("Runtime.evaluate", {**asked, "returnByValue": True})
        except NotActionable:  # the document went away
            return None
        return reply["result"].get("value")

    try:
        tree = await tab.send("Page.getFrameTree")
    except NotActionable:
        return []
    return await asyncio.gather(*map(ask, _frames(tree["frameTree"])))


def _frames(tree: dict[str, Any]) -> Iterator[str]:
    yield tree["frame"]["id"]
    for child in tree.get("childFrames", ()):
        yield from _frames(child)
