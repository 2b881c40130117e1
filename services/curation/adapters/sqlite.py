"""Decisions of the synthesis in one SQLite file, which any number of processes on one machine may share.

Invariant: a call's records are on disk, all or none, when it returns.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from services.common.sqlite import use_wal
from services.curation.errors import LedgerBroken
from services.curation.ports import Record

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS decisions (key TEXT, kind TEXT, number INTEGER, body TEXT, "
    "PRIMARY KEY (key, kind, number))"
)
_WAIT_S = 30.0


class SqliteLedger:
    """Opens the file for each call: connections are cheap beside a model's answer, and belong to one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, key: str) -> list[Record]:
        with self._opened() as connection:
            rows = connection.execute("SELECT kind, number, body FROM decisions WHERE key = ?", (key,))
            return [Record(*row) for row in rows]

    def add(self, key: str, records: Sequence[Record]) -> None:
        with self._opened() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO decisions VALUES (?, ?, ?, ?)", [(key, *record) for record in records]
            )

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as connection, connection:
                use_wal(connection)
                connection.execute(_SCHEMA)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise LedgerBroken(
                f"synthetic examples cannot be kept in {self._path}: {error}; free the disk, or delete the file if it "
                "is damaged: what it holds can be synthesised again",
                path=self._path,
            ) from error
