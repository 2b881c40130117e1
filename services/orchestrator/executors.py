"""Several orchestrators on one PostgreSQL: each says that it lives, and takes up the work of those that do not.

Invariant: an executor that was heard of within `stale_s` keeps its work; that of another is taken up by exactly one,
as the workflow library's queue gives a workflow to one process in a transaction of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from services.common import telemetry
from services.common.database import Database
from services.common.errors import RatchetError
from services.orchestrator.tables import executors
from services.orchestrator.workflows import Workflows

_BEATS = 4


class Executors:
    """The executors of one database. On SQLite, which one process uses, there is one, and nobody to tell."""

    def __init__(self, database: Database, own: str, stale_s: float) -> None:
        self._database, self._own, self._stale_s = database, own, stale_s
        self._last_beat = self._steady_since = 0.0

    @asynccontextmanager
    async def running(self, workflows: Workflows) -> AsyncIterator[None]:
        """Run the workflows during the block; this executor lives from before the first until after the last."""
        leaving = asyncio.Event()
        await self.beat()
        await workflows.start()
        beating = asyncio.create_task(self._beat_until(leaving, workflows), name="executor-beat")
        try:
            yield
        finally:
            leaving.set()
            await beating
            await workflows.stop()
            with contextlib.suppress(RatchetError):
                await self.leave()

    async def beat(self) -> set[str] | None:
        """Say that this executor lives; the ids of all that do, None where there can be no other."""
        if self._database.is_sqlite:
            return None
        now = sa.func.clock_timestamp()
        row = postgresql.insert(executors).values(id=self._own, seen=now)
        async with self._database.write() as connection:
            await connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"seen": now}))
            is_stale = executors.c.seen < now - timedelta(seconds=self._stale_s)
            found = (await connection.execute(sa.select(executors.c.id, is_stale.label("stale")))).all()
        # After an outage of the database all are late, and this one may be the first to be heard of again.
        if time.monotonic() - self._last_beat > self._stale_s:
            self._steady_since = time.monotonic()
        self._last_beat = time.monotonic()
        steady = self._last_beat - self._steady_since >= self._stale_s
        return {row.id for row in found if not (row.stale and steady)}

    async def leave(self) -> None:
        """Let the others take up at once what this executor leaves."""
        if self._database.is_sqlite:
            return
        async with self._database.write() as connection:
            await connection.execute(sa.delete(executors).where(executors.c.id == self._own))

    async def _beat_until(self, leaving: asyncio.Event, workflows: Workflows) -> None:
        while not leaving.is_set():
            try:
                await workflows.take_up(await self.beat())
            except RatchetError as error:
                telemetry.log().warning("executor not heard", executor=self._own, why=error.message)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), self._stale_s / _BEATS)
