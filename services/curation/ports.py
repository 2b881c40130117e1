"""How rows become bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.curation.rows import Row


class RowFormat(Protocol):
    """A file format for rows."""

    def encode(self, rows: Sequence[Row]) -> bytes:
        """The file's bytes; equal rows give equal bytes. Blocking."""
