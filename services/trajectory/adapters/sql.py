"""Rows in SQLite or PostgreSQL through SQLAlchemy: one schema, the URL decides.

Invariant: uniqueness is the database's, so any number of writers, in any number of processes, agree on the first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from services.common.errors import InvalidArgument, Unavailable
from services.trajectory.adapters import migration, tables
from services.trajectory.errors import StorageFailed
from services.trajectory.ports import DatasetRecord, Filter, TrajectoryRecord

_PRAGMAS = ("busy_timeout=15000", "journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY")


def _connect_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class SqlRecords:
    """The records port over a database. `start` before use, `close` at the end."""

    def __init__(self, url: str) -> None:
        try:
            parsed = sa.make_url(url)
        except ArgumentError as error:
            raise InvalidArgument(f"database_url {url!r} is not a database URL: {error}") from error
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        self._place = parsed.database or url if self._is_sqlite else parsed.render_as_string(hide_password=True)
        try:
            self._engine: AsyncEngine = create_async_engine(parsed)
        except (ImportError, sa.exc.InvalidRequestError, sa.exc.NoSuchModuleError) as error:
            raise InvalidArgument(
                f"database_url asks for the driver {parsed.drivername!r}: {error}; "
                "use sqlite+aiosqlite:// or postgresql+psycopg:// (the extra 'postgres')"
            ) from error
        if self._is_sqlite:
            sa.event.listen(self._engine.sync_engine, "connect", _connect_sqlite)
        # SQLite has one writer; waiting here is cheaper than polling its lock.
        self._writing = asyncio.Semaphore(1 if self._is_sqlite else 64)

    async def start(self, to: str = "head") -> None:
        """Connect and migrate; raises StorageFailed, Unavailable, SchemaMismatch."""
        if self._is_sqlite and self._place != ":memory:":
            try:
                Path(self._place).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._refused(error.strerror or str(error)) from error
        async with self._guard(), self._engine.begin() as connection:
            await connection.run_sync(migration.migrate, to)

    async def close(self) -> None:
        """Give back the connections."""
        await self._engine.dispose()

    async def add(self, record: TrajectoryRecord) -> tuple[TrajectoryRecord, bool]:
        table = tables.trajectories
        async with self._write() as connection:
            if await self._insert(connection, table, asdict(record)):
                return record, True
            same_name = table.c.name == record.name
            succeeded = sa.and_(table.c.episode == record.episode, table.c.state == "SUCCEEDED")
            query = sa.select(table).where(sa.or_(same_name, succeeded)).order_by(same_name.desc()).limit(1)
            row = (await connection.execute(query)).mappings().one()
            return TrajectoryRecord(**row), False

    async def find(self, name: str) -> TrajectoryRecord | None:
        rows = await self._read(sa.select(tables.trajectories).where(tables.trajectories.c.name == name))
        return TrajectoryRecord(**rows[0]) if rows else None

    async def page(self, wanted: Filter, before: int, limit: int) -> list[TrajectoryRecord]:
        table = tables.trajectories
        query = _matching(sa.select(table), wanted).order_by(table.c.seq.desc()).limit(limit)
        if before:
            query = query.where(table.c.seq < before)
        return [TrajectoryRecord(**row) for row in await self._read(query)]

    async def count(self, wanted: Filter) -> int:
        query = _matching(sa.select(sa.func.count().label("n")).select_from(tables.trajectories), wanted)
        return int((await self._read(query))[0]["n"])

    async def add_dataset(self, record: DatasetRecord) -> tuple[DatasetRecord, bool]:
        table = tables.datasets
        async with self._write() as connection:
            if await self._insert(connection, table, asdict(record)):
                return record, True
            row = (await connection.execute(sa.select(table).where(table.c.name == record.name))).mappings().one()
            return DatasetRecord(**row), False

    async def find_dataset(self, name: str) -> DatasetRecord | None:
        rows = await self._read(sa.select(tables.datasets).where(tables.datasets.c.name == name))
        return DatasetRecord(**rows[0]) if rows else None

    async def page_datasets(self, before: int, limit: int) -> list[DatasetRecord]:
        table = tables.datasets
        query = sa.select(table).order_by(table.c.seq.desc()).limit(limit)
        if before:
            query = query.where(table.c.seq < before)
        return [DatasetRecord(**row) for row in await self._read(query)]

    async def _insert(self, connection: AsyncConnection, table: sa.Table, values: dict[str, Any]) -> bool:
        values.pop("seq")
        dialect = sqlite if self._is_sqlite else postgresql
        result = await connection.execute(dialect.insert(table).values(values).on_conflict_do_nothing())
        return result.rowcount == 1

    async def _read(self, query: sa.Select[Any]) -> list[Any]:
        async with self._guard(), self._engine.connect() as connection:
            return list((await connection.execute(query)).mappings())

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[AsyncConnection]:
        async with self._writing, self._guard(), self._engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def _guard(self) -> AsyncIterator[None]:
        """Whatever the database refuses becomes StorageFailed (or Unavailable, when it is away)."""
        try:
            yield
        except (OperationalError, InterfaceError, DatabaseError) as error:
            if not self._is_sqlite and (error.connection_invalidated or isinstance(error, OperationalError)):
                raise Unavailable(f"the database {self._place} does not answer: {error.orig}") from error
            raise self._refused(str(error.orig)) from error

    def _refused(self, cause: str) -> StorageFailed:
        return StorageFailed(
            f"the database {self._place} refuses: {cause}. Check that its directory exists, is writable and has "
            "free space, or set RATCHET_TRAJECTORY__DATABASE_URL to another place",
            place=self._place,
            cause=cause,
        )


def _matching(query: sa.Select[Any], wanted: Filter) -> sa.Select[Any]:
    for column, value in asdict(wanted).items():
        if value:
            query = query.where(tables.trajectories.c[column] == value)
    return query
