"""`webarena-axtree`: the text that WebArena's own environment shows its agents, for the full page.

Invariant: equal, ids left out, to WebArena's text as the Chromium of its time gave it: the inline text boxes and
the link addresses that later versions add to the tree are left out.
"""

from __future__ import annotations

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


def lines(view: View) -> list[Line]:
    """The tabs, an empty line, then the tree; ids are the elements' numbers."""
    tabs = " | ".join(
        f"Tab {number}{' (current)' if number == view.front else ''}: {title}"
        for number, title in enumerate(view.titles)
    )
    return [Line(tabs), Line(""), *_without_repetition(_walk(view.root))]


def _walk(root: Node) -> list[Line]:
    found: list[Line] = []
    stack = [(root, 0)]
    while stack:
        node, depth = stack.pop()
        shown = _shown(node)
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
    told = (
        [f"{key}: {value}" for key, value in node.properties.items() if key not in _UNSHOWN] if node.properties else ()
    )
    if not name.strip() and (role == "listitem" if told else role in _STRUCTURE):
        return None
    return f"{role} {name!r} {' '.join(told)}" if told else f"{role} {name!r}"


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
