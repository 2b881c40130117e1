"""Reading the DevTools protocol's accessibility nodes, for every format.

Invariant: a missing field reads as empty; only a node's own fields are read here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from services.browser.ports import AXNode


@dataclass(frozen=True)
class View:
    """What a format turns into lines."""

    nodes: list[AXNode]
    # Gives a DOM node the small id under which the text names it.
    ids: Callable[[int], int]
    # Of all tabs; `front` is the index of the one that the nodes are of.
    titles: list[str]
    front: int


@dataclass(frozen=True)
class Line:
    """One line of an observation; the id and the DOM node where an action can name it."""

    text: str
    id: int | None = None
    role: str = ""
    name: str = ""
    node: int = 0


def role(node: AXNode) -> str:
    return str(node.get("role", {}).get("value", ""))


def name(node: AXNode) -> str:
    return str(node.get("name", {}).get("value") or "")


def value(node: AXNode) -> str:
    found = node.get("value", {}).get("value")
    return "" if found is None else str(found)


def properties(node: AXNode) -> dict[str, Any]:
    """Those that carry a value."""
    return {p["name"]: p["value"]["value"] for p in node.get("properties", ()) if "value" in p["value"]}


def index(nodes: list[AXNode]) -> dict[str, AXNode]:
    """By node id; the first of those that Chromium repeats."""
    found: dict[str, AXNode] = {}
    for node in nodes:
        found.setdefault(node["nodeId"], node)
    return found


def children(node: AXNode, by_id: dict[str, AXNode]) -> list[AXNode]:
    return [by_id[child] for child in node.get("childIds", ()) if child in by_id]
