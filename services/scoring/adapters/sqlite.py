"""Remembered vectors in one SQLite file, which any number of processes on one machine may share.

Invariant: a row is written whole or not at all, and the file holds at most so many: the oldest go first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from services.common.sqlite import use_wal
from services.scoring.errors import CacheBroken
from services.scoring.ports import Vectors

_SCHEMA = "CREATE TABLE IF NOT EXISTS vectors (age INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB UNIQUE, vector BLOB)"
_LOOKUPS = 500
_WAIT_S = 30.0
# The same bytes on every machine.
_STORED = np.dtype("<f4")


class SqliteVectors:
    """Opens the file for each call: connections are cheap beside the model, and belong to one thread."""

    def __init__(self, path: Path, max_entries: int) -> None:
        self._path, self._max_entries = path, max_entries

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        found: dict[bytes, Vectors] = {}
        with self._opened() as connection:
            for start in range(0, len(keys), _LOOKUPS):
                wanted = keys[start : start + _LOOKUPS]
                places = ",".join("?" * len(wanted))
                # Only question marks are put into the statement.
                query = f"SELECT key, vector FROM vectors WHERE key IN ({places})"  # noqa: S608
                for key, stored in connection.execute(query, wanted):
                    found[key] = np.frombuffer(stored, dtype=_STORED).astype(np.float32)
        return found

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        rows = [(key, vector.astype(_STORED).tobytes()) for key, vector in vectors.items()]
        with self._opened() as connection:
            connection.executemany("INSERT OR IGNORE INTO vectors (key, vector) VALUES (?, ?)", rows)
            connection.execute(
                "DELETE FROM vectors WHERE age <= (SELECT max(age) FROM vectors) - ?", (self._max_entries,)
            )

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_WAIT_S)) as connection, connection:
                use_wal(connection)
                # A lost row is embedded again.
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(_SCHEMA)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise CacheBroken(
                f"embeddings cannot be remembered in {self._path}: {error}; free the disk, or delete the file if it is "
                "damaged: it holds nothing that cannot be computed again",
                path=self._path,
            ) from error
