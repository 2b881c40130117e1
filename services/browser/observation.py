"""From the tree of a page to what the model reads.

Invariant: one call to the page per observation; every id in the text leads to exactly one element of the
document that it was read from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.browser.formats import compact, webarena
from services.browser.formats.tree import Line, View
from services.common.errors import InvalidArgument

_FORMATS: dict[str, Callable[[View], list[Line]]] = {
    "compact": compact.lines,
    "webarena-axtree": webarena.lines,
}
_MAX_ID = 999
_CUT = "(the page has more than is shown here)"


@dataclass(frozen=True)
class Element:
    """Something that an action can name."""

    id: int
    role: str
    name: str
    # The element's number in its document.
    node: int


@dataclass(frozen=True)
class Page:
    """A page as it was read."""

    format: str
    text: str
    elements: tuple[Element, ...]


def check_format(name: str) -> str:
    """The name, if it is one. Raises InvalidArgument."""
    if name not in _FORMATS:
        raise InvalidArgument(f"unknown observation format {name!r}; use one of {', '.join(_FORMATS)}", format=name)
    return name


def read(name: str, view: View) -> Page:
    """The page in the named format."""
    found = _FORMATS[name](view)
    elements = tuple(
        Element(line.id, line.role, line.name, line.node) for line in found if line.id is not None and line.node
    )
    told = [_CUT] if view.is_cut else []
    return Page(name, "\n".join([*(line.text for line in found), *told]), elements)


class Ids:
    """Small element ids of one session: 1 to 999 and round again, a node keeps its own while its document lives."""

    def __init__(self) -> None:
        self._ids: dict[tuple[object, str], dict[int, int]] = {}
        self._used: set[int] = set()
        self._last = 0

    def of(self, tab: object, document: str) -> Callable[[int], int]:
        """Ids for a document of a tab; those of the tab's earlier documents become free."""
        for key in [key for key in self._ids if key[0] is tab and key[1] != document]:
            self._used.difference_update(self._ids.pop(key).values())
        known = self._ids.setdefault((tab, document), {})

        def name(node: int) -> int:
            if node not in known:
                known[node] = self._next(known)
            return known[node]

        return name

    def drop(self, tabs: list[object]) -> None:
        """Forget the tabs that are not among these."""
        for key in [key for key in self._ids if not any(key[0] is tab for tab in tabs)]:
            self._used.difference_update(self._ids.pop(key).values())

    def _next(self, known: dict[int, int]) -> int:
        if len(self._used) >= _MAX_ID:
            # More live elements than ids: this document's oldest gives its own up.
            oldest = next(iter(known), None)
            if oldest is None:
                self._ids = {key: ids for key, ids in self._ids.items() if ids is known}
                self._used = set()
            else:
                self._used.discard(known.pop(oldest))
        while True:
            self._last = self._last % _MAX_ID + 1
            if self._last not in self._used:
                self._used.add(self._last)
                return self._last
