"""Reading a page from inside: the page script in a world of its own, once per document.

Invariant: the page's own script neither sees nor changes the reader; a number leads to an element of the document
that the number was read from, or to nothing. No script can look into frames of other origins: each of these has a
page script of its own, which counts from other numbers. A page without such frames costs one call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from services.browser import page
from services.browser.adapters.script import Script, Send, start
from services.browser.nodes import Answer, Box
from services.browser.ports import NotActionable, TabCrashed

_CLICKS = frozenset({"click", "mousedown", "mouseup", "dblclick"})
# Things on a page that are read.
_LIMIT = 50_000
# Frames of other origins that are read, and how deep; of more the text says that there is more.
_MAX_FRAMES = 50
_MAX_DEPTH = 8
# Numbers stay below 10^9: so many scripts for one document of the tab, those of its frames' earlier documents counted.
_MAX_STARTED = 900


@dataclass
class _Round:
    """What is left of an observation's bounds while its frames are read one after the other."""

    options: dict[str, Any]
    things: int = _LIMIT
    frames: int = _MAX_FRAMES

    def is_over(self, depth: int) -> bool:
        """Whether one more frame is too many."""
        return self.things <= 0 or self.frames <= 0 or depth > _MAX_DEPTH

    def count(self, data: dict[str, Any]) -> None:
        """Take an answer's share off."""
        self.things -= data["num"]
        if "last" in data:
            self.options["last"] = data["last"]


class Reader:
    """The page scripts of one tab: its main frame's, and those of its frames of other origins."""

    def __init__(self, send: Send, copied: Callable[[dict[str, Any]], None] = lambda _: None) -> None:
        """`copied` is told what a document noted to have copied (see page/clipboard.js)."""
        self._send, self._copied = send, copied
        # The document that the scripts below are of.
        self._document = ""
        self._main: Script | None = None
        # By their place among those that were started in the document.
        self._scripts: dict[int, Script] = {}
        self._num_started = 0

    async def observe(self, frame: str, document: str, options: dict[str, Any]) -> Answer:
        """The page script's answer (see page/observe.js), and those of the frames.

        Raises NotActionable when the document went away or the script was stopped.
        """
        main = await self._begin(frame, document)
        around = _Round(dict(options))
        try:
            data = await self._answer(main, around.options)
        except NotActionable:
            self._main = None
            raise
        if not data.get("frames"):
            self._drop_frames(main)
            return Answer(data)
        around.count(data)
        answer = await self._with_frames(main, data, around, 1)
        if "last" in data:
            data["last"] = around.options["last"]
        return answer

    async def prepare(self, frame: str, document: str) -> None:
        """Start the page script in a document that came; what goes wrong is told by whoever reads it."""
        with contextlib.suppress(NotActionable, TabCrashed):
            await self._begin(frame, document)

    async def _begin(self, frame: str, document: str) -> Script:
        """The script of the page's document."""
        if document != self._document:
            self._main, self._document, self._num_started = None, document, 0
        if self._main is None:
            self._scripts.clear()
            self._main = await self._start(frame, None)
        return self._main

    async def resolve(self, number: int, document: str) -> str:
        """The DevTools object of a numbered element. Raises NotActionable when it is gone."""
        return await self._script_of(number, document).resolve(number)

    async def run(self, number: int, document: str, name: str, *arguments: object) -> dict[str, Any]:
        """What a function of the page script answers about a numbered element. Raises NotActionable."""
        return await self._script_of(number, document).run(number, name, *arguments)

    def _script_of(self, number: int, document: str) -> Script:
        script = self._scripts.get(number // page.MOST_NUMBERS)
        if script is None or document != self._document:
            raise NotActionable("is not on the page any more")
        return script

    async def locate(self, numbers: Iterable[int], document: str, *, whole: bool) -> dict[int, Box]:
        """Where elements are to be seen (see page/boxes.js). Raises NotActionable where the document is gone."""
        by_script = defaultdict(list)
        for number in numbers:
            by_script[number // page.MOST_NUMBERS].append(number)
        located: dict[int, Box] = {}
        work: list[tuple[Script, object]] = []
        if self._main is not None and document == self._document:
            work.append((self._main, None))
        while work:
            script, window = work.pop()
            wanted = by_script.get(script.first // page.MOST_NUMBERS, [])
            options = {"numbers": wanted, "frames": list(script.frames), "whole": whole, "window": window}
            try:
                answer = await script.locate(options)
            except NotActionable:
                if script is self._main:
                    raise
                continue  # the frame shows another document now
            located |= {number: Box(*box) for number, box in answer["found"]}
            work += [(script.frames[number], inside) for number, inside in answer["windows"]]
        return located

    async def frames_around(self, first: int) -> list[str]:
        """The frames of other origins around a document, from the inside out, as DevTools objects of their elements.

        `first` is what the document's numbers begin after. Raises NotActionable when a frame is gone.
        """
        found = []
        script = self._scripts.get(first // page.MOST_NUMBERS)
        while script is not None and script.owner is not None:
            script, number = script.owner
            found.append(await script.resolve(number))
        return found

    async def _with_frames(self, script: Script, data: dict[str, Any], around: _Round, depth: int) -> Answer:
        windows = {frame[0]: frame[3] for frame in data.get("frames", ())}
        self._drop_frames(script, but=windows)
        answers: dict[int, Answer] = {}
        for number, window in windows.items():
            if around.is_over(depth):
                data["cut"] = True
                break
            around.frames -= 1
            inside = await self._framed(script, number, around, window)
            if inside is not None:
                around.count(inside)
                answers[number] = await self._with_frames(script.frames[number], inside, around, depth + 1)
        return Answer(data, answers)

    async def _framed(self, parent: Script, number: int, around: _Round, window: Any) -> dict[str, Any] | None:
        """The answer of the script in the frame of that element; None where no document can be read."""
        options = around.options | {"framed": True, "limit": around.things, "window": window}
        known = parent.frames.get(number)
        if known is not None:
            try:
                return await self._answer(known, options)
            except NotActionable:  # the frame shows another document now
                self._drop_frames(parent, but=parent.frames.keys() - {number})
        try:
            node = await self._send("DOM.describeNode", {"objectId": await parent.resolve(number)})
            frame = node["node"].get("frameId")
            if frame is None or self._num_started >= _MAX_STARTED:
                return None
            parent.frames[number] = await self._start(frame, (parent, number))
            return await self._answer(parent.frames[number], options)
        except NotActionable:  # it went away, or its script does not answer
            self._drop_frames(parent, but=parent.frames.keys() - {number})
            return None

    async def _start(self, frame: str, owner: tuple[Script, int] | None) -> Script:
        place = self._num_started
        self._num_started += 1
        self._scripts[place] = script = await start(self._send, frame, place * page.MOST_NUMBERS, owner)
        return script

    def _drop_frames(self, script: Script, but: Any = ()) -> None:
        """Forget the frames of a script that are not among these, with all that is in them."""
        for number in script.frames.keys() - set(but):
            gone = script.frames.pop(number)
            self._drop_frames(gone)
            self._scripts.pop(gone.first // page.MOST_NUMBERS, None)

    async def _answer(self, script: Script, options: dict[str, Any]) -> dict[str, Any]:
        if "taken" in options and len(self._scripts) > 1:
            given = (id_ for other in self._scripts.values() if other is not script for id_ in other.given)
            options = options | {"taken": [*options["taken"], *given]}
        data = await script.observe(options)
        if "copied" in data:
            self._copied(data["copied"])
        if not data["ask"]:
            return data
        clicked = await asyncio.gather(*(self._is_clicked(script, number) for number in data["ask"]))
        marked = [number for number, is_clicked in zip(data["ask"], clicked, strict=True) if is_clicked]
        if not marked:
            return data
        await script.mark(marked)
        return await script.observe(options)

    async def _is_clicked(self, script: Script, number: int) -> bool:
        """Whether a script of the page listens for clicks on the element."""
        try:
            found = await script.resolve(number)
            # Without `pierce` only the listeners of the reader's own world are told.
            reply = await self._send("DOMDebugger.getEventListeners", {"objectId": found, "depth": 1, "pierce": True})
        except NotActionable:
            return False
        return any(listener["type"] in _CLICKS for listener in reply["listeners"])
