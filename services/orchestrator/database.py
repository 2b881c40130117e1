"""The orchestrator's database."""

from __future__ import annotations

from pathlib import Path

from services.common.database import Database
from services.orchestrator import tables

_MIGRATIONS = Path(__file__).parent / "migrations" / "versions"


def open_database(url: str) -> Database:
    """Not yet started."""
    return Database(
        url, tables.metadata, _MIGRATIONS, tables.VERSION_TABLE, setting="RATCHET_ORCHESTRATOR__DATABASE_URL"
    )
