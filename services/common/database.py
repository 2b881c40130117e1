"""A room's rows in SQLite or PostgreSQL: connection, migration at start, typed refusals.

Invariant: a database whose revision this version does not know is left untouched and refused; uniqueness is the
database's, so any number of writers agree on the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.common.errors import FailedPrecondition, InvalidArgument, Unavailable
from services.common.sqlite import use_wal

_PRAGMAS = ("busy_timeout=15000", "synchronous=NORMAL", "temp_store=MEMORY")
# Any fixed number: it keeps two hosts that start at once from migrating one PostgreSQL database together.
_ADVISORY_LOCK = 7_238_413
# SQLSTATE of PostgreSQL.
_DISK_FULL = "53100"
_REACH = "Check that it runs and that this process may reach it"
_ADVICE = {
    "password": "Check the user and the password in PGPASSWORD, which a pod has from its Secret",
    "resolve host": "Check the host's name",
    "does not exist": "Create the database and its user",
}
_MIGRATION_ENTRY = Path(__file__).parent / "migrations"


class StorageFailed(FailedPrecondition):
    """The disk, directory, database or bucket refused; metadata `place` names it."""

    reason = "STORAGE_FAILED"


class DatabaseUnavailable(Unavailable):
    """The database server cannot be reached, or does not let this process in."""

    reason = "DATABASE_UNAVAILABLE"


class SchemaMismatch(FailedPrecondition):
    """The database has a schema that this version cannot use; metadata `found` and `supported` name both."""

    reason = "SCHEMA_MISMATCH"


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def _first_line(error: BaseException | None) -> str:
    return " ".join(str(error).partition("\n")[0].split())


def _connect_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    use_wal(cursor)
    cursor.close()


class Database:
    """One room's tables behind a URL. `start` before use, `close` at the end.

    `setting` is the environment variable that an error tells people to change; `migrations` the directory of
    alembic revisions; `version_table` keeps the rooms apart that share one database.
    """

    def __init__(self, url: str, metadata: sa.MetaData, migrations: Path, version_table: str, setting: str) -> None:
        try:
            parsed = sa.make_url(url)
            # A server that was started again is met with new connections, not with the pool's dead ones.
            self._engine: AsyncEngine = create_async_engine(parsed, pool_pre_ping=parsed.get_backend_name() != "sqlite")
        except ArgumentError as error:
            raise InvalidArgument(f"{setting} is {url!r}, which is not a database URL: {error}") from error
        except (ImportError, sa.exc.InvalidRequestError) as error:
            raise InvalidArgument(
                f"{setting} asks for a driver that cannot be used: {error}; "
                "use sqlite+aiosqlite:// or postgresql+psycopg:// (the extra 'postgres')"
            ) from error
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.place = parsed.database or url if self.is_sqlite else parsed.render_as_string(hide_password=True)
        self._metadata, self._migrations, self._setting = metadata, migrations, setting
        self.version_table = version_table
        if self.is_sqlite:
            sa.event.listen(self._engine.sync_engine, "connect", _connect_sqlite)
        # SQLite has one writer; waiting here is cheaper than polling its lock.
        self._writing = asyncio.Semaphore(1 if self.is_sqlite else 64)

    async def start(self, to: str = "head") -> None:
        """Connect and migrate to revision `to`; raises StorageFailed, Unavailable, SchemaMismatch."""
        if self.is_sqlite and self.place != ":memory:":
            try:
                Path(self.place).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._refused(error.strerror or str(error)) from error
        async with self._guard(), self._engine.begin() as connection:
            await connection.run_sync(self._migrate, to)

    async def close(self) -> None:
        """Give back the connections."""
        await self._engine.dispose()

    async def read(self, query: sa.Select[Any]) -> list[sa.RowMapping]:
        """All rows of a query."""
        async with self._guard(), self._engine.connect() as connection:
            return list((await connection.execute(query)).mappings())

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits when the block ends well."""
        async with self._guard(), self._writing, self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def _guard(self) -> AsyncIterator[None]:
        try:
            yield
        except sa.exc.IntegrityError:
            raise
        except (OperationalError, InterfaceError, DatabaseError) as error:
            is_away = error.connection_invalidated or isinstance(error, OperationalError)
            if not self.is_sqlite and is_away and getattr(error.orig, "sqlstate", None) != _DISK_FULL:
                raise self._unavailable(_first_line(error.orig)) from error
            raise self._refused(_first_line(error.orig)) from error

    def _unavailable(self, cause: str) -> DatabaseUnavailable:
        advice = next((better for sign, better in _ADVICE.items() if sign in cause), _REACH)
        return DatabaseUnavailable(
            f"the database {self.place} does not answer: {cause}. {advice}, or set {self._setting} to another",
            place=self.place,
            cause=cause,
        )

    def _refused(self, cause: str) -> StorageFailed:
        advice = (
            "Check that its directory exists, is writable and has free space"
            if self.is_sqlite
            else "Check the server's volume, and what this user may do there"
        )
        return StorageFailed(
            f"the database {self.place} refuses: {cause}. {advice}, or set {self._setting} to another place",
            place=self.place,
            cause=cause,
        )

    def _migrate(self, connection: sa.Connection, to: str) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        else:
            # The write lock before the first look; it makes the whole upgrade one transaction, too.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        config = Config()
        config.set_main_option("script_location", _escaped(_MIGRATION_ENTRY))
        config.set_main_option("version_locations", _escaped(self._migrations))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        config.attributes["version_table"] = self.version_table
        script = ScriptDirectory.from_config(config)
        self._check(connection, script)
        command.upgrade(config, to)

    def _check(self, connection: sa.Connection, script: ScriptDirectory) -> None:
        head = script.get_current_head() or ""
        known = {revision.revision for revision in script.walk_revisions()}
        context = MigrationContext.configure(connection, opts={"version_table": self.version_table})
        found = context.get_current_revision()
        if found is None:
            taken = sorted(set(self._metadata.tables) & set(sa.inspect(connection).get_table_names()))
            if taken:
                raise SchemaMismatch(
                    f"{self.place} has the tables {', '.join(taken)} but no schema version: something else made "
                    f"it. Point {self._setting} at an empty database, or move that one away",
                    found="none",
                    supported=head,
                )
        elif found not in known:
            newer = found.isdecimal() and found > head
            raise SchemaMismatch(
                f"{self.place} has the {'newer ' if newer else 'unknown '}schema {found}; this version knows up to "
                f"{head}. {'Upgrade ratchet' if newer else 'Use the version of ratchet that wrote it'}, "
                f"or point {self._setting} at another database",
                found=found,
                supported=head,
            )
