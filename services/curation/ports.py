"""How rows become bytes, and where finished examples outlive a kill."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from services.curation.rows import Row


class RowFormat(Protocol):
    """A file format for rows."""

    def encode(self, rows: Sequence[Row]) -> bytes:
        """The file's bytes; equal rows give equal bytes. Blocking."""


class Record(NamedTuple):
    """A decision of the synthesis: of which kind, for which number, and what was decided (JSON)."""

    kind: str
    number: int
    body: str


class Ledger(Protocol):
    """Decisions by key, each made once."""

    def load(self, key: str) -> list[Record]:
        """All of a key, in any order. Blocking, from any thread. Raises LedgerBroken."""

    def add(self, key: str, records: Sequence[Record]) -> None:
        """Keep them, all or none; one of a kind and number that is there stays as it is. Blocking, from any thread.
        Raises LedgerBroken.
        """
