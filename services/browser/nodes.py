"""A page as its script read it: the accessibility tree, or the lines of the short text.

Invariant: only what the page shows is here; a node's number leads to one element while its document lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Box(NamedTuple):
    """Where something is in the window, in CSS pixels."""

    x: float
    y: float
    width: float
    height: float
    # Of the part that lies in the window and in those of the frames around it.
    seen_width: float
    seen_height: float

    @property
    def is_in_view(self) -> bool:
        """Whether any of it is."""
        return self.seen_width > 0 and self.seen_height > 0


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
    # None unless asked for, and for what is drawn for an element beside itself.
    box: Box | None = None
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
    # Told where boxes are asked for.
    box: Box | None = None
    value: str = ""
    # As the format's text has them: "checked", "expanded: True".
    states: tuple[str, ...] = ()


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


class Answer(NamedTuple):
    """What the page script answered (page/observe.js), and what those in frames did, by their elements' numbers."""

    data: dict[str, Any]
    frames: Mapping[int, Answer] = {}


def parse_text(answer: Answer) -> Text:
    """The lines in the page script's answer."""
    data = answer.data
    columns: list[Iterable[Any]] = [data["ids"], data["roles"], data["names"], data["numbers"]]
    if "boxes" in data:
        states = (tuple(said.split()) for said in data["states"])
        columns += [(Box(*box) for box in data["boxes"]), data["values"], states]
    elements = list(map(Element, *columns))
    text, is_cut = data["text"], data["cut"]
    if answer.frames:
        lines = text.split("\n") if text else []
        # Backwards, so that the places before stay where they are.
        for number, line, element, *_ in reversed(data["frames"]):
            if number in answer.frames:
                inside = parse_text(answer.frames[number])
                lines[line:line] = [inside.text] if inside.text else []
                elements[element:element] = inside.elements
                is_cut |= inside.is_cut
        text = "\n".join(lines)
    return Text(data["title"], text, elements, data["last"], is_cut)


def parse(answer: Answer) -> Tree:
    """The tree in the page script's answer. Raises ValueError when it is none."""
    root = _root(answer.data)
    if root is None:
        raise ValueError("the page's answer has no nodes")
    return Tree(root, _splice(root, answer))


def _splice(root: Node, answer: Answer) -> bool:
    """Hang what frames of other origins hold below their elements; whether anything was cut."""
    is_cut = bool(answer.data["cut"])
    if answer.frames:
        stack = [root]
        while stack:
            node = stack.pop()
            stack += node.children
            inside = answer.frames.get(node.number)
            if inside is not None and (below := _root(inside.data)) is not None:
                is_cut |= _splice(below, inside)
                node.children.append(below)
    return is_cut


def _root(data: dict[str, Any]) -> Node | None:
    """The tree of one document; None for one that shows nothing."""
    # The last node of each depth: the parent of what comes below it.
    last: list[Node] = []
    roles = data["roles"]
    for row in data["nodes"]:
        size, depth = len(row), row[0]
        node = Node(roles[row[1]], row[3] if size > 3 else "", number=row[2])
        if size > 4:
            node.value, node.properties = row[4], row[5] or {}
            node.box = Box(*row[6]) if size > 6 and row[6] else None
        if depth:
            last[depth - 1].children.append(node)
        if depth < len(last):
            last[depth] = node
        else:
            last.append(node)
    return last[0] if last else None
