"""Rows in SQLite or PostgreSQL through SQLAlchemy: one schema, the URL decides.

Invariant: uniqueness is the database's, so any number of writers, in any number of processes, agree on the first.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import Database
from services.trajectory.adapters import tables
from services.trajectory.ports import DatasetRecord, Filter, TrajectoryRecord

_MIGRATIONS = Path(__file__).parent.parent / "migrations" / "versions"


class SqlRecords:
    """The records port over a database. `start` before use, `close` at the end."""

    def __init__(self, url: str) -> None:
        setting = "RATCHET_TRAJECTORY__DATABASE_URL"
        self._database = Database(url, tables.metadata, _MIGRATIONS, tables.VERSION_TABLE, setting)

    async def start(self, to: str = "head") -> None:
        """Connect and migrate; raises StorageFailed, Unavailable, SchemaMismatch."""
        await self._database.start(to)

    async def close(self) -> None:
        """Give back the connections."""
        await self._database.close()

    async def add(self, record: TrajectoryRecord) -> tuple[TrajectoryRecord, bool]:
        table = tables.trajectories
        async with self._database.write() as connection:
            if await self._insert(connection, table, asdict(record)):
                return record, True
            same_name = table.c.name == record.name
            succeeded = sa.and_(table.c.episode == record.episode, table.c.state == "SUCCEEDED")
            query = sa.select(table).where(sa.or_(same_name, succeeded)).order_by(same_name.desc()).limit(1)
            row = (await connection.execute(query)).mappings().one()
            return TrajectoryRecord(**row), False

    async def find(self, name: str) -> TrajectoryRecord | None:
        rows = await self._database.read(sa.select(tables.trajectories).where(tables.trajectories.c.name == name))
        return TrajectoryRecord(**rows[0]) if rows else None

    async def page(self, wanted: Filter, before: int, limit: int) -> list[TrajectoryRecord]:
        table = tables.trajectories
        query = _matching(sa.select(table), wanted).order_by(table.c.seq.desc()).limit(limit)
        if before:
            query = query.where(table.c.seq < before)
        return [TrajectoryRecord(**row) for row in await self._database.read(query)]

    async def count(self, wanted: Filter) -> int:
        query = _matching(sa.select(sa.func.count().label("n")).select_from(tables.trajectories), wanted)
        return int((await self._database.read(query))[0]["n"])

    async def add_dataset(self, record: DatasetRecord) -> tuple[DatasetRecord, bool]:
        table = tables.datasets
        async with self._database.write() as connection:
            if await self._insert(connection, table, asdict(record)):
                return record, True
            row = (await connection.execute(sa.select(table).where(table.c.name == record.name))).mappings().one()
            return DatasetRecord(**row), False

    async def find_dataset(self, name: str) -> DatasetRecord | None:
        rows = await self._database.read(sa.select(tables.datasets).where(tables.datasets.c.name == name))
        return DatasetRecord(**rows[0]) if rows else None

    async def page_datasets(self, before: int, limit: int) -> list[DatasetRecord]:
        table = tables.datasets
        query = sa.select(table).order_by(table.c.seq.desc()).limit(limit)
        if before:
            query = query.where(table.c.seq < before)
        return [DatasetRecord(**row) for row in await self._database.read(query)]

    async def _insert(self, connection: AsyncConnection, table: sa.Table, values: dict[str, Any]) -> bool:
        values.pop("seq")
        dialect = sqlite if self._database.is_sqlite else postgresql
        result = await connection.execute(dialect.insert(table).values(values).on_conflict_do_nothing())
        return result.rowcount == 1


def _matching(query: sa.Select[Any], wanted: Filter) -> sa.Select[Any]:
    for column, value in asdict(wanted).items():
        if value:
            query = query.where(tables.trajectories.c[column] == value)
    return query
