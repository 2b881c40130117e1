"""Tables of text, and how numbers look in their cells.

Invariant: a table is the same in the terminal, in Markdown and in HTML; an unknown number is a dash.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.cli import words
from services.cli.words import DASH


class Table(NamedTuple):
    """A table; after a column's name '>' aligns it right, '*' lets a terminal cut it. `id` is its anchor."""

    id: str
    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""

    def markdown(self) -> str:
        """As GitHub-flavoured Markdown."""
        names = [column.rstrip(">*") for column in self.columns]
        rule = ["---:" if column.endswith(">") else "---" for column in self.columns]
        lines = [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (names, rule, *self.rows)
        ]
        return "\n".join([f"### {self.title}", "", *lines, *(["", self.note] if self.note else [])]) + "\n"


def table(anchor: str, title: str, columns: str, rows: list[list[str]], note: str = "") -> Table:
    """A table whose columns are given as 'Run | Score>'."""
    return Table(anchor, title, columns.split(" | "), rows, note)


def share(value: float) -> str:
    """'+31.2 %'; a dash where the base solves nothing."""
    return f"{words.points(value)} %" if math.isfinite(value) else DASH


def p(value: float) -> str:
    """'0.021', '< 0.001'."""
    return words.p_value(value).removeprefix("p ").removeprefix("= ")


def interval(found: pb.Interval) -> str:
    """'[33.8, 48.8]', in percent."""
    return words.interval(found.low, found.high)


def change(found: pb.Interval) -> str:
    """'[+1.2, +11.3]', in points."""
    return words.points_interval(found.low, found.high)


def mean(values: Sequence[float], show: Callable[[float], str]) -> str:
    """Their mean as `show` writes it."""
    return show(sum(values) / len(values)) if values else DASH


def part(count: int, whole: int) -> str:
    """'12.5 %'."""
    return words.percent(count / whole) if whole else DASH
