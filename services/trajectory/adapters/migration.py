"""Brings a database to this version's schema at start.

Invariant: a database whose revision this version does not know is left untouched and refused.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from services.trajectory.adapters import tables
from services.trajectory.errors import SchemaMismatch

VERSION_TABLE = "trajectory_schema_version"
_MIGRATIONS = Path(__file__).parent.parent / "migrations"
# Any fixed number: two hosts that start at once must not migrate one PostgreSQL database together.
_ADVISORY_LOCK = 7_238_413


def migrate(connection: Connection, to: str = "head") -> None:
    """Upgrade to revision `to`; raises SchemaMismatch for a newer, unknown or foreign schema."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
    else:
        # The write lock before the first look; it makes the whole upgrade one transaction, too.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    script = ScriptDirectory.from_config(config)
    _check(connection, script)
    command.upgrade(config, to)


def _check(connection: Connection, script: ScriptDirectory) -> None:
    head = script.get_current_head() or ""
    known = {revision.revision for revision in script.walk_revisions()}
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    found = context.get_current_revision()
    place = connection.engine.url.render_as_string(hide_password=True)
    if found is None:
        taken = sorted(set(tables.metadata.tables) & set(inspect(connection).get_table_names()))
        if taken:
            raise SchemaMismatch(
                f"{place} has the tables {', '.join(taken)} but no schema version: something else made it. "
                "Point RATCHET_TRAJECTORY__DATABASE_URL at an empty database, or move that one away",
                found="none",
                supported=head,
            )
    elif found not in known:
        newer = found.isdecimal() and found > head
        raise SchemaMismatch(
            f"{place} has the {'newer ' if newer else 'unknown '}schema {found}; this version knows up to {head}. "
            + ("Upgrade ratchet" if newer else "Use the version of ratchet that wrote it")
            + ", or point RATCHET_TRAJECTORY__DATABASE_URL at another database",
            found=found,
            supported=head,
        )
