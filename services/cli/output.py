"""Printing: documents for programs on stdout, tables for people on stdout, everything else on stderr.

Invariant: text that came over the wire is never read as markup, and cannot steer the terminal.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console

_GAP, _NARROWEST = 2, 16
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """The text without control characters: pages and models wrote it."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def console(*, stderr: bool = False) -> Console:
    """A console that neither highlights nor reads markup."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True)


def document(value: Any) -> None:
    """Print one JSON document."""
    json.dump(value, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def as_dict(message: Message) -> dict[str, Any]:
    """A message as JSON-able data: proto3's JSON mapping with the fields' own names, unset scalars included."""
    from google.protobuf.json_format import MessageToDict

    found: dict[str, Any] = MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return found


def say(text: str = "") -> None:
    """A line for the person, on stdout."""
    sys.stdout.write(plain(text) + "\n")


def note(text: str) -> None:
    """A line beside the result, on stderr."""
    sys.stderr.write(plain(text) + "\n")


def problem(message: str) -> None:
    """A failure, on stderr."""
    first, *rest = plain(message).split("\n")
    sys.stderr.write("\n".join([f"error: {first}", *(f"       {line}" for line in rest)]) + "\n")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], empty: str = "nothing yet") -> None:
    """A table with a header. '>' after a column's name aligns it right; '*' lets it be cut where a terminal ends."""
    listed = [[plain(cell).replace("\n", " ") for cell in row] for row in rows]
    if not listed:
        say(empty)
        return
    names = [column.rstrip(">*") for column in columns]
    widths = [max(map(_width, cells)) for cells in zip(names, *listed, strict=True)]
    on_terminal = sys.stdout.isatty()
    if on_terminal:
        room = shutil.get_terminal_size().columns - sum(widths) - _GAP * (len(widths) - 1)
        for index, column in enumerate(columns):
            if column.endswith("*") and room < 0:
                widths[index] = max(_NARROWEST, widths[index] + room)
    for number, row in enumerate([names, *listed]):
        cells = (_fit(cell, width, column) for cell, width, column in zip(row, widths, columns, strict=True))
        line = (" " * _GAP).join(cells).rstrip()
        sys.stdout.write(f"\x1b[1m{line}\x1b[0m\n" if on_terminal and number == 0 else f"{line}\n")


def _width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _fit(text: str, width: int, column: str) -> str:
    from rich.cells import set_cell_size

    if _width(text) > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - _width(text))
    return padding + text if column.endswith(">") else text + padding


def fields(pairs: Iterable[tuple[str, str]]) -> None:
    """`name  value` lines, aligned; pairs with an empty value are left out."""
    listed = [(name, value) for name, value in pairs if value]
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        say(f"{name:<{width}}  {value}")
