"""Chromium's own accessibility tree as a tree of our nodes, and how two trees' texts differ.

Invariant: the reference is `Accessibility.getFullAXTree` and nothing of ours; ids are left out of what is compared.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from services.browser.formats import webarena
from services.browser.formats.tree import View
from services.browser.nodes import Node

AXNode = dict[str, Any]
_LINE = re.compile(r"^(\t*)\[\d+\] (\S+) ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\") ?(.*)$")


def from_chromium(nodes: list[AXNode], frames: dict[int, list[AXNode]] | None = None) -> Node:
    """The tree in a getFullAXTree answer; `frames` are the answers of child frames by their owner's backend id."""
    by_id: dict[str, AXNode] = {}
    for node in nodes:
        by_id.setdefault(node["nodeId"], node)
    root = _node(nodes[0])
    # Below an ignored node things hang from what is around it.
    stack = [(nodes[0], root)]
    while stack:
        node, holder = stack.pop()
        below = [by_id[number] for number in node.get("childIds", ()) if number in by_id]
        if node is not nodes[0]:
            if _is_shown(node):
                holder.children.append(made := _node(node))
                holder = made
                if frames and made.role.startswith("Iframe") and made.number in frames:
                    made.children.append(from_chromium(frames[made.number], frames))
            elif _role(node) == "InlineTextBox":
                continue
        stack.extend((child, holder) for child in reversed(below))
    return root


def _role(node: AXNode) -> str:
    return str(node.get("role", {}).get("value", ""))


def _is_shown(node: AXNode) -> bool:
    return not node.get("ignored") and "value" in node.get("name", {}) and _role(node) != "InlineTextBox"


def _node(node: AXNode) -> Node:
    value = node.get("value", {}).get("value")
    return Node(
        role=_role(node),
        name=str(node.get("name", {}).get("value") or ""),
        value="" if value is None else str(value),
        number=int(node.get("backendDOMNodeId", 0)),
        properties={p["name"]: p["value"]["value"] for p in node.get("properties", ()) if "value" in p["value"]},
    )


def text_lines(root: Node) -> list[str]:
    """A tree's `webarena-axtree` lines without the tabs', every id the same."""
    stack = [root]
    while stack:
        node = stack.pop()
        node.number = 0
        stack += node.children
    return [line.text for line in webarena.lines(View(root, [""], 0)) if line.text.strip()][1:]


@dataclass
class Comparison:
    """What was seen over the pages of one corpus."""

    num_pages: int = 0
    num_lines: int = 0
    num_equal: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    # One example a kind: page, theirs, ours.
    examples: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """Equal lines of the longer text's."""
        return self.num_equal / self.num_lines if self.num_lines else 1.0

    def add(self, page: str, theirs: list[str], ours: list[str]) -> float:
        """Count one page; the share of its lines that are equal."""
        equal = 0
        for tag, a, b, c, d in difflib.SequenceMatcher(None, theirs, ours, autojunk=False).get_opcodes():
            if tag == "equal":
                equal += b - a
                continue
            left, right = theirs[a:b], ours[c:d]
            for position in range(max(len(left), len(right))):
                line = left[position] if position < len(left) else ""
                other = right[position] if position < len(right) else ""
                self._differ(page, line, other)
        num = max(len(theirs), len(ours))
        self.num_pages += 1
        self.num_lines += num
        self.num_equal += equal
        return equal / num if num else 1.0

    def _differ(self, page: str, theirs: str, ours: str) -> None:
        kind = kind_of(theirs, ours)
        self.kinds[kind] += 1
        self.examples.setdefault(kind, (page, theirs.strip(), ours.strip()))


def kind_of(theirs: str, ours: str) -> str:
    """In which way two lines differ."""
    if not theirs or not ours:
        line = theirs or ours
        found = _LINE.match(line)
        return f"{'missing' if theirs else 'extra'} {found[2] if found else 'line'}"
    a, b = _LINE.match(theirs), _LINE.match(ours)
    if not a or not b:
        return "line"
    if a[2] != b[2]:
        return f"role {a[2]} is {b[2]}"
    if a[3] != b[3]:
        return f"name of {a[2]}"
    if a[4] != b[4]:
        return f"properties of {a[2]}"
    return "depth"
