"""`webarena-axtree`: the text that WebArena's own environment shows its agents, for the full page or what is in view.

Invariant: equal, ids left out, to WebArena's text as the Chromium of its time gave it: the inline text boxes and
the link addresses that later versions add to the tree are left out. In its mode for the current viewport a node is
left out when too little of its box is in view, or it has none; what is below it takes its place. Nothing else tells
that mode from the other: how far the page is scrolled is not said.
"""

from __future__ import annotations

from collections.abc import Callable

from services.browser.formats.tree import Line, View
from services.browser.nodes import Element, Node

_UNSHOWN = frozenset({"focusable", "editable", "readonly", "level", "settable", "multiline", "invalid", "url"})
# Without a name and without properties these say nothing.
_STRUCTURE = frozenset(
    {
        "generic",
        "img",
        "list",
        "strong",
        "paragraph",
        "banner",
        "navigation",
        "Section",
        "LabelText",
        "Legend",
        "listitem",
    }
)


# As much of a box must be in view.
_IN_VIEW_RATIO = 0.6
Test = Callable[[Node], bool]


def in_view(node: Node) -> bool:
    """Whether the viewport mode shows the node, as its authors mean it: by the share of its area that is in view."""
    box = node.box
    if box is None or not box.width or not box.height:
        return False
    if node.role == "RootWebArea":
        return box.is_in_view
    return box.seen_width * box.seen_height / (box.width * box.height) >= _IN_VIEW_RATIO


def in_view_as_published(node: Node) -> bool:
    """Whether the viewport mode shows the node, as its code does: without brackets around the area.

    What is in view is divided by the width and multiplied by the height, so that 2 pixels in view are enough.
    """
    box = node.box
    if box is None or not box.width or not box.height:
        return False
    if node.role == "RootWebArea":
        return box.is_in_view
    return box.seen_width * box.seen_height / box.width * box.height >= _IN_VIEW_RATIO


def lines(view: View, is_shown: Test | None = None) -> list[Line]:
    """The tabs, an empty line, then the tree, but for nodes that fail the test; ids are the elements' numbers.

    The root is there whatever the test says of it.
    """
    tabs = " | ".join(
        f"Tab {number}{' (current)' if number == view.front else ''}: {title}"
        for number, title in enumerate(view.titles)
    )
    return [Line(tabs), Line(""), *_without_repetition(_walk(view.root, is_shown))]


def _walk(root: Node, is_shown: Test | None) -> list[Line]:
    found: list[Line] = []
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        shown = _shown(node) if is_shown is None or node is root or is_shown(node) else None
        if shown is not None:
            number = node.number
            text = "\t" * depth + f"[{number}] {shown}"
            found.append(Line(text, Element(number, node.role, node.name, number)))
            depth += 1
        if node.children:
            stack += [(child, depth) for child in reversed(node.children)]
    return found


def _shown(node: Node) -> str | None:
    """Role, name and properties; None for a node that is passed over (its children are not)."""
    role, name = node.role, node.name
    told = states(node) if node.properties else ()
    if not name.strip() and (role == "listitem" if told else role in _STRUCTURE):
        return None
    return f"{role} {name!r} {' '.join(told)}" if told else f"{role} {name!r}"


def states(node: Node) -> tuple[str, ...]:
    """The properties that are shown."""
    return tuple([f"{key}: {value}" for key, value in node.properties.items() if key not in _UNSHOWN])


def _without_repetition(found: list[Line]) -> list[Line]:
    """Drops a static text that one of the three lines before it already holds."""
    kept: list[Line] = []
    for line in found:
        if "statictext" in line.text.lower():
            text = line.text.partition(" StaticText ")[2][1:-1]
            if not text or any(text in before.text for before in kept[-3:]):
                continue
        kept.append(line)
    return kept
