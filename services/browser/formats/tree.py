"""What every format is given and gives.

Invariant: a line holds no line break, whatever the page says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.browser.nodes import Node


@dataclass(frozen=True)
class View:
    """What a format turns into lines."""

    # None for a tab that shows nothing.
    root: Node | None
    # Gives an element the small id under which the text names it.
    ids: Callable[[int], int]
    # Of all tabs; `front` is the index of the one that the nodes are of.
    titles: list[str]
    front: int
    # The page has more than was read.
    is_cut: bool = False


@dataclass(frozen=True)
class Line:
    """One line of an observation; the id and the element's number where an action can name it."""

    text: str
    id: int | None = None
    role: str = ""
    name: str = ""
    node: int = 0
