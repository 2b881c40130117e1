"""`json`: everything that is read of a page, for programs.

Invariant: one JSON object on one line, whatever the page says; these keys mean this, and none is renamed:

    tabs         titles of all tabs; current_tab is the index of the one that is read
    is_cut       the page has more than was read
    root         the page; a node is
      role       as Chromium's accessibility tree names it: "link", "StaticText", "RootWebArea"
      name       accessible name
      id         what actions call it by
      value      what a field holds; left out where there is nothing
      states     properties in Chromium's words, {"focusable": true, "checked": "mixed"}; left out where there are none
      box        [x, y, width, height] in CSS pixels of the window; left out for what is drawn beside its element
      in_view    whether any of the box is in the window and in the frames around it; left out with the box
      children   nodes, in order; left out where there are none
    dialog       instead of all these while a dialog blocks the page: its kind, message and default
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from services.browser.formats.tree import View
from services.browser.nodes import Element, Node


def write(view: View, *, is_cut: bool) -> tuple[str, list[Element]]:
    """The text, and an element for every node in its order."""
    elements: list[Element] = []
    head = orjson.dumps({"tabs": view.titles, "current_tab": view.front, "is_cut": is_cut}).decode()
    parts = [head[:-1], ',"root":']
    # Pages nest deeper than recursion, and than writers of JSON go.
    stack: list[Node | str] = ["}", view.root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            parts.append(node)
            continue
        elements.append(Element(node.number, node.role, node.name, node.number))
        parts.append(orjson.dumps(_own(node)).decode()[:-1])
        if not node.children:
            parts.append("}")
            continue
        parts.append(',"children":[')
        stack.append("]}")
        for child in reversed(node.children):
            stack += [child, ","]
        stack.pop()
    return "".join(parts), elements


def dialog(kind: str, message: str, default: str) -> str:
    """The text while a dialog blocks the page."""
    return json.dumps({"dialog": {"kind": kind, "message": message, "default": default}})


def _own(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"role": node.role, "name": node.name, "id": node.number}
    if node.value:
        told["value"] = node.value
    if node.properties:
        told["states"] = node.properties
    if node.box is not None:
        told["box"] = node.box[:4]
        told["in_view"] = node.box.is_in_view
    return told
