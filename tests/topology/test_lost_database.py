"""A workflow whose library loses its database between two steps goes on when the database answers again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy.exc import OperationalError

from services.orchestrator import workflows
from services.orchestrator.workflows import Workflows
from tests.contract.trajectory.conftest import created, postgres  # noqa: F401 - fixtures of PostgreSQL


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


async def test_a_workflow_that_lost_its_database_is_queued_again(postgres: str, monkeypatch, tmp_path: Path):  # noqa: F811
    work = Work()
    running = Workflows(created(postgres), "one", work)
    lost, loop, step = asyncio.Event(), asyncio.get_running_loop(), workflows._step

    def away_once(kind: str, name: str, turn: int, which: str) -> bool:
        if which == "second" and not lost.is_set():
            loop.call_soon_threadsafe(lost.set)
            raise OperationalError("SELECT 1", {}, ConnectionError("the database is away"))
        return bool(step(kind, name, turn, which))

    monkeypatch.setattr(workflows, "_step", away_once)
    await running.start()
    try:
        assert await running.submit("iteration", "iterations/i1", 1)
        await asyncio.wait_for(lost.wait(), 30)
        async with asyncio.timeout(60):
            while not work.ended.is_set():
                await running.take_up({"one"})
                await asyncio.wait([asyncio.create_task(work.ended.wait())], timeout=1)
        assert work.done == ["first", "second"], "what was noted as done is not done again"
    finally:
        await running.stop()
