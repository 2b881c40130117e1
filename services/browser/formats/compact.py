"""`compact`: one short line per thing, for models with little room.

Invariant: pre-order, no indentation, no line holds a line break; exactly what can be acted on has an id;
no text of the page reads as an id before a role.

    [4] textbox 'Search products': 'current value'
    [9] checkbox 'Subscribe' checked
    heading 'Velmora Kettle'
    text 'Price: $12.99'
    row 'Order 1007 | 2024-03-02 | Complete'
"""

from __future__ import annotations

import re
from collections.abc import Callable

from services.browser.formats.tree import Line, View
from services.browser.nodes import Node

MAX_NAME_CHARS = 120
# Texts and rows hold facts: a paragraph is worth more room than a name.
MAX_TEXT_CHARS = 400
_ACTIONABLE = frozenset(
    {
        "link",
        "button",
        "textbox",
        "searchbox",
        "checkbox",
        "radio",
        "combobox",
        "listbox",
        "option",
        "menuitem",
        "menuitemcheckbox",
        "menuitemradio",
        "tab",
        "switch",
        "slider",
        "spinbutton",
        "treeitem",
        "DisclosureTriangle",
        "DisclosureTriangleGrouped",
        "ToggleButton",
        "Date",
        "DateTime",
        "InputTime",
        "ColorWell",
    }
)
_FIELDS = frozenset({"textbox", "searchbox", "combobox", "spinbutton", "slider", "Date", "DateTime", "InputTime"})
_CELLS = frozenset({"cell", "gridcell", "columnheader", "rowheader"})
_IMAGES = frozenset({"image", "img", "figure"})
# Inside a line of text these begin no new one.
_INLINE = frozenset(
    {
        "StaticText",
        "InlineTextBox",
        "LineBreak",
        "emphasis",
        "strong",
        "code",
        "mark",
        "time",
        "superscript",
        "subscript",
        "insertion",
        "deletion",
        "Abbr",
        "none",
        "LabelText",
    }
)
_SPACE = re.compile(r"\s+")
# A page may write what looks like a line of ours; its id must not.
_IMITATION = re.compile(r"\[(\d+)\](?= \w+ ')")


def lines(view: View) -> list[Line]:
    """The page's lines; an empty page has none."""
    if view.root is None:
        return []
    writer = _Writer(view.ids)
    writer.visit(view.root)
    writer.flush()
    return _without_labels(writer.found)


class _Writer:
    def __init__(self, ids: Callable[[int], int]) -> None:
        self.found: list[Line] = []
        self._ids = ids
        self._text: list[str] = []

    def flush(self) -> None:
        text = _clean("".join(self._text), MAX_TEXT_CHARS)
        self._text.clear()
        if text:
            self.found.append(Line(f"text '{text}'", role="text", name=text))

    def visit(self, node: Node) -> None:
        """Write the node and what is below it."""
        role = node.role
        if role == "StaticText":
            self._text.append(node.name)
        elif role == "LineBreak":
            self._text.append(" ")
        elif role == "ListMarker":
            self.flush()
        elif _is_actionable(node, role):
            self._element(node, role)
        elif role == "heading":
            self._heading(node)
        elif role == "row":
            self._row(node)
        elif role in _IMAGES and node.name:
            self.flush()
            name = _clean(node.name)
            self.found.append(Line(f"image '{name}'", role="image", name=name))
        elif role in _INLINE:
            self._below(node)
        else:
            self.flush()
            self._below(node)
            self.flush()

    def _below(self, node: Node) -> None:
        for child in node.children:
            self.visit(child)

    def _element(self, node: Node, role: str) -> None:
        self.flush()
        name, number = _clean(node.name), self._ids(node.number)
        text = f"[{number}] {role} '{name}'"
        if role in _FIELDS and (value := _clean(node.value)):
            text += f": '{value}'"
        self.found.append(Line(" ".join([text, *_states(node)]), number, role, name, node.number))

    def _heading(self, node: Node) -> None:
        self.flush()
        name = _clean(node.name)
        within = self._controls(node)
        # A heading that is one link says nothing that the link does not.
        if name and [_clean(control.name) for control in within] != [name]:
            self.found.append(Line(f"heading '{name}'", role="heading", name=name))
        for control in within:
            self._element(control, control.role)

    def _row(self, node: Node) -> None:
        self.flush()
        cells, within = [], []
        for cell in node.children:
            controls = self._controls(cell)
            within += controls
            text = _clean("".join(self._cell_text(cell)))
            if text or not controls:
                cells.append(text or "-")
        while cells and cells[-1] == "-":
            cells.pop()
        if cells:
            text = _clean(" | ".join(cells), MAX_TEXT_CHARS)
            self.found.append(Line(f"row '{text}'", role="row", name=text))
        for control in within:
            self._element(control, control.role)

    def _cell_text(self, node: Node) -> list[str]:
        role = node.role
        if role == "StaticText":
            return [node.name]
        if role != "link" and _is_actionable(node, role):
            return []
        if role in _IMAGES:
            return [node.name]
        words: list[str] = []
        for child in node.children:
            words += self._cell_text(child)
        return words if role in _INLINE or role == "link" else [" ", *words, " "]

    def _controls(self, node: Node) -> list[Node]:
        """The outermost elements below the node that can be acted on."""
        found: list[Node] = []
        for child in node.children:
            if _is_actionable(child, child.role):
                found.append(child)
            else:
                found += self._controls(child)
        return found


def _is_actionable(node: Node, role: str) -> bool:
    if not node.number:
        return False
    if role in _ACTIONABLE:
        return True
    properties = node.properties
    return properties.get("editable") == "richtext" and bool(properties.get("focusable")) and role != "RootWebArea"


def _states(node: Node) -> list[str]:
    found = []
    for key, words in _STATES:
        word = words.get(str(node.properties.get(key)).lower())
        if word:
            found.append(word)
    return found


_STATES = (
    ("checked", {"true": "checked", "mixed": "mixed"}),
    ("pressed", {"true": "pressed"}),
    ("selected", {"true": "selected"}),
    ("expanded", {"true": "expanded", "false": "collapsed"}),
    ("disabled", {"true": "disabled"}),
)


def _without_labels(found: list[Line]) -> list[Line]:
    """Drops a text that only repeats the name of the element beside it: its label."""
    kept: list[Line] = []
    for position, line in enumerate(found):
        if line.role == "text":
            beside = found[max(position - 1, 0) : position + 2]
            label = line.name.rstrip(" :*")
            if any(other.id is not None and other.name.rstrip(" :*") == label for other in beside):
                continue
        kept.append(line)
    return kept


def _clean(text: str, limit: int = MAX_NAME_CHARS) -> str:
    text = _SPACE.sub(" ", text).strip()
    if "[" in text:
        text = _IMITATION.sub(r"(\1)", text)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
