"""SQLite's write-ahead log, switched on by whichever connection comes first.

Invariant: of several that open one new file at once none fails, as long as each waits for locks (busy_timeout).
"""

from __future__ import annotations

import sqlite3
from typing import Any, Protocol


class Executing(Protocol):
    """A connection or a cursor."""

    def execute(self, statement: str, /) -> Any:
        """Run a statement."""
        ...


def use_wal(connection: Executing) -> None:
    """Switch the file to a write-ahead log, for good. Call it outside a transaction; raises sqlite3.Error."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        # The switch holds a lock while it asks for the next one, and so SQLite does not let it wait; this waits.
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
