"""Compact observations taken apart: which elements a page has, and which facts it states.

Invariant: `parse` loses nothing: joining the lines' texts gives the page again.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_ELEMENT = re.compile(r"\[(\d{1,3})\] ([a-z]+) '(.*?)'(?:: '.*')?(?: [a-z ]+)?$")
_PLAIN = re.compile(r"([a-z]+) '(.*)'$")
_FACT = re.compile(r"([^:|]{1,40}): (.{1,60})$")


class Line(NamedTuple):
    """One line of a compact observation; `id` is None on what cannot be acted on."""

    text: str
    id: int | None
    role: str
    name: str

    @property
    def fact(self) -> tuple[str, str] | None:
        """(label, value) where the line states `Label: value`."""
        if self.id is not None or self.role != "text":
            return None
        match = _FACT.fullmatch(self.name)
        return (match[1], match[2]) if match else None


def parse(page: str) -> list[Line]:
    """The page's lines. A line in no known form keeps its text and has neither id, role nor name."""
    return [_line(text) for text in page.split("\n")]


def _line(text: str) -> Line:
    element = _ELEMENT.match(text)
    if element:
        return Line(text, int(element[1]), element[2], element[3])
    plain = _PLAIN.match(text)
    if plain:
        return Line(text, None, plain[1], plain[2])
    return Line(text, None, "", "")
