"""What a format is given and gives.

Invariant: a line holds no line break, whatever the page says.
"""

from __future__ import annotations

from typing import NamedTuple

from services.browser.nodes import Element, Node


class View(NamedTuple):
    """What a format turns into lines."""

    root: Node
    # Of all tabs; `front` is the index of the one that the nodes are of.
    titles: list[str]
    front: int


class Line(NamedTuple):
    """One line of an observation, and the element that it tells of."""

    text: str
    element: Element | None = None
