"""From a page to what the model reads.

Invariant: one call to the page per observation; every id in the text leads to exactly one element of the
document that it was read from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from services.browser.formats import raw, webarena
from services.browser.formats.tree import View
from services.browser.nodes import Element, Node
from services.browser.ports import Question, Tab
from services.common.errors import InvalidArgument

# Texts of the tree whose nodes pass a test of their boxes, or that show all.
_WEBARENA: dict[str, webarena.Test | None] = {
    "webarena-axtree": None,
    "webarena-axtree-viewport": webarena.in_view,
    "webarena-axtree-viewport-as-published": webarena.in_view_as_published,
}
FORMATS = ("compact", *_WEBARENA, "json")
_IMITATION = re.compile(r"\[(\d+)\](?= \w+ ')")
# The last line of a text that does not hold the whole page.
CUT = "(the page has more than is shown here)"


class Page(NamedTuple):
    """A page as it was read."""

    format: str
    title: str
    text: str
    elements: Sequence[Element]
    # Elements have boxes, values and states.
    boxes: bool = False


def check_format(name: str) -> str:
    """The name, if it is one. Raises InvalidArgument."""
    if name not in FORMATS:
        raise InvalidArgument(f"unknown observation format {name!r}; use one of {', '.join(FORMATS)}", format=name)
    return name


async def read(name: str, tab: Tab, tabs: Sequence[Tab], ids: Ids, *, boxes: bool = False) -> Page:
    """The tab in the named format; where asked, elements have their boxes, values and states. Raises TabCrashed."""
    if name == "compact":
        text = await tab.text(ids.last, ids.of_others(tab), boxes=boxes)
        ids.given(tab, tab.document, text.last, [element.id for element in text.elements])
        return Page(name, text.title, _told(text.text, text.is_cut), text.elements, boxes)
    is_shown = _WEBARENA.get(name)
    tree = await tab.tree(boxes=boxes or is_shown is not None or name == "json")
    title = tree.root.name
    view = View(tree.root, [title if other is tab else await other.title() for other in tabs], tabs.index(tab))
    if name == "json":
        text_of_all, elements = raw.write(view, is_cut=tree.is_cut)
    else:
        lines = webarena.lines(view, is_shown)
        text_of_all = _told("\n".join(line.text for line in lines), tree.is_cut)
        elements = [line.element for line in lines if line.element is not None]
    return Page(name, title, text_of_all, _described(elements, tree.root) if boxes else elements, boxes)


def _described(elements: list[Element], root: Node) -> list[Element]:
    """The elements with what their nodes say beside role and name."""
    nodes, stack = {}, [root]
    while stack:
        node = stack.pop()
        nodes[node.number] = node
        stack += node.children
    found = ((element, nodes[element.node]) for element in elements)
    return [e._replace(box=node.box, value=node.value, states=webarena.states(node)) for e, node in found]


def asked(name: str, title: str, question: Question) -> Page:
    """What is shown instead of a page that a dialog blocks."""
    if name == "json":
        return Page(name, title, raw.dialog(question.kind, question.message, question.default), ())
    shown = f"dialog {question.kind} '{_quotable(question.message)}'"
    if question.kind == "prompt":
        text = f"{shown}: '{_quotable(question.default)}'\nanswer with dialog [accept] [text] or dialog [dismiss]"
    else:
        text = f"{shown}\nanswer with dialog [accept] or dialog [dismiss]"
    return Page(name, title, text, ())


def _quotable(text: str) -> str:
    """One line in which nothing reads as an id before a role."""
    return _IMITATION.sub(r"(\1)", " ".join(text.split()))


def _told(text: str, is_cut: bool) -> str:
    return f"{text}\n{CUT}" if is_cut else text


class Ids:
    """The small ids that a session's documents have in use; the page itself gives them out (page/ids.js)."""

    def __init__(self) -> None:
        # The last one that was given, in whichever tab.
        self.last = 0
        self._used: dict[Tab, tuple[str, set[int]]] = {}

    def of_others(self, tab: Tab) -> list[int]:
        """Those that other tabs use."""
        return sorted(id_ for other, (_, used) in self._used.items() if other is not tab for id_ in used)

    def given(self, tab: Tab, document: str, last: int, ids: list[int]) -> None:
        """Note what a document of a tab was given; those of the tab's earlier documents are free again."""
        self.last = last
        known = self._used.get(tab)
        if known is None or known[0] != document:
            self._used[tab] = known = (document, set())
        known[1].update(ids)

    def drop(self, tabs: Sequence[Tab]) -> None:
        """Forget the tabs that are not among these."""
        for tab in [tab for tab in self._used if tab not in tabs]:
            del self._used[tab]
