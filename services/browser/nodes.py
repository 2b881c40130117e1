"""A page as its script read it: the accessibility tree, or the lines of the short text.

Invariant: only what the page shows is here; a node's number leads to one element while its document lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson


@dataclass(slots=True)
class Node:
    """One thing on the page."""

    # As Chromium's accessibility tree names it: "link", "StaticText", "MenuListPopup".
    role: str
    name: str = ""
    # What a field holds.
    value: str = ""
    # Stands for the element in actions; 0 for none.
    number: int = 0
    # States and properties in Chromium's order.
    properties: dict[str, Any] = field(default_factory=dict)
    # x, y, width, height in CSS pixels of the viewport, and 1 where it is in view; none unless asked for.
    box: tuple[int, int, int, int, int] | None = None
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tree:
    """What one question to a page gave."""

    root: Node
    # The page has more than was read.
    is_cut: bool = False


class Element(NamedTuple):
    """Something that an action can name."""

    id: int
    role: str
    name: str
    # The element's number in its document.
    node: int


@dataclass(frozen=True, slots=True)
class Text:
    """A page in `compact` lines."""

    title: str
    text: str
    elements: Sequence[Element]
    # The last id that the session has given.
    last: int
    # The page has more than was read.
    is_cut: bool = False


def parse_text(answer: str) -> Text:
    """The lines in the page script's answer."""
    data = orjson.loads(answer)
    elements = list(map(Element, data["ids"], data["roles"], data["names"], data["numbers"]))
    return Text(data["title"], data["text"], elements, data["last"], data["cut"])


def parse(answer: str) -> Tree:
    """The tree in the page script's answer. Raises ValueError when it is none."""
    data = orjson.loads(answer)
    # The last node of each depth: the parent of what comes below it.
    last: list[Node] = []
    roles = data["roles"]
    for row in data["nodes"]:
        size, depth = len(row), row[0]
        node = Node(roles[row[1]], row[3] if size > 3 else "", number=row[2])
        if size > 4:
            node.value, node.properties = row[4], row[5] or {}
            node.box = tuple(row[6]) if size > 6 else None
        if depth:
            last[depth - 1].children.append(node)
        if depth < len(last):
            last[depth] = node
        else:
            last.append(node)
    if not last:
        raise ValueError("the page's answer has no nodes")
    return Tree(last[0], data["cut"])
