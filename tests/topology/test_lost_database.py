"""A workflow whose library loses its database between two steps goes on when the database answers again."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import OperationalError

from services.orchestrator import workflows
from services.orchestrator.database import open_database
from services.orchestrator.executors import Executors
from services.orchestrator.workflows import Workflows
from tests.contract.trajectory.conftest import database_url, postgres  # noqa: F401 - fixtures of both databases


class Work:
    """Two steps, each noted; ends when the second is done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.ended = asyncio.Event()

    def steps(self, kind: str) -> list[str]:
        return ["first", "second"]

    async def run_step(self, kind: str, name: str, turn: int, step: str) -> bool:
        self.done.append(step)
        if step == "second":
            self.ended.set()
        return True

    async def interrupt_all(self) -> None:
        pass


async def test_a_workflow_that_lost_its_database_is_queued_again(database_url: str, monkeypatch):  # noqa: F811
    work, database, step = Work(), open_database(database_url), workflows._step
    lost: list[str] = []

    def away_once(kind: str, name: str, turn: int, which: str) -> bool:
        if which == "second" and not lost:
            lost.append(which)
            raise OperationalError("SELECT 1", {}, ConnectionError("the database is away"))
        return bool(step(kind, name, turn, which))

    monkeypatch.setattr(workflows, "_step", away_once)
    running = Workflows(database_url.replace("+aiosqlite", ""), "one", work)
    await database.start()
    try:
        async with Executors(database, "one", stale_s=0.4).running(running):
            assert await running.submit("iteration", "iterations/i1", 1)
            await asyncio.wait_for(work.ended.wait(), 60)
    finally:
        await database.close()
    assert lost
    assert work.done == ["first", "second"], "what was noted as done is not done again"
