"""The durable workflow: phases as steps of the workflow library, their work on the host's event loop.

Invariant: a step that was recorded as done is not run again after a crash; one that was interrupted is run again,
which is why phases are idempotent. A host that stops in an orderly way leaves its workflows as a crash would.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, SetWorkflowID, error
from sqlalchemy.exc import SQLAlchemyError

from services.common import telemetry
from services.common.database import Database, DatabaseUnavailable

# A durable workflow must find its steps by name and version after an upgrade of anything else.
_APPLICATION = "ratchet-orchestrator"
_APPLICATION_VERSION = "1"
_SETTING = "RATCHET_ORCHESTRATOR__WORKFLOW_DATABASE_URL"


class Work(Protocol):
    """What the workflows are made of."""

    def steps(self, kind: str) -> list[str]:
        """Names of the steps of a workflow of that kind, in order."""

    async def run_step(self, kind: str, name: str, turn: int, step: str) -> bool:
        """Run one step of a resource's workflow of that turn; False when there is nothing left to do for it."""

    async def interrupt_all(self) -> None:
        """Cancel every step that runs and wait until it has let go."""


class HostStopping(BaseException):
    """Unwinds a workflow's thread without telling the library, which then finds it pending at the next start."""


class DatabaseLost(BaseException):
    """The same, where the library could not read or note a step; the workflow is queued again when it can."""


class Workflows:
    """Runs resources' workflows in this process; one instance a process, as the library has one."""

    def __init__(self, database_url: str, executor_id: str, work: Work) -> None:
        self._config: DBOSConfig = {
            "name": _APPLICATION,
            "system_database_url": database_url,
            "executor_id": executor_id,
            "application_version": _APPLICATION_VERSION,
            "log_level": "WARNING",
            "enable_otlp": False,
        }
        self._work = work
        self._stopping = False
        # Workflows of this executor that lost their database; no other takes them up while this one lives.
        self._lost: set[str] = set()
        self._loop = asyncio.get_running_loop()

    async def start(self) -> None:
        """Launch the library; workflows that a dead host left are taken up again. Raises DatabaseUnavailable."""
        await self._check_database()
        _current.append(self)
        DBOS(config=self._config)
        await asyncio.to_thread(DBOS.launch)

    async def _check_database(self) -> None:
        # The library would tell it at length, and in its own words.
        url = sa.make_url(str(self._config["system_database_url"]))
        if url.get_backend_name() != "sqlite":
            url = url.set(drivername="postgresql+psycopg")
            asked = Database(url.render_as_string(hide_password=False), sa.MetaData(), Path(), "", _SETTING)
            try:
                await asked.read(sa.select(sa.literal(1)))
            finally:
                await asked.close()

    async def stop(self) -> None:
        """Interrupt what runs, leaving it to the next start."""
        self._stopping = True
        await self._work.interrupt_all()
        await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=0)
        _current.remove(self)

    async def submit(self, kind: str, name: str, turn: int) -> bool:
        """Start a resource's workflow, or join the one of the same (name, turn); False when that one has ended."""

        def start() -> bool:
            with SetWorkflowID(f"{name}#{turn}"):
                handle = DBOS.start_workflow(_workflow, kind, name)
            return handle.get_status().status in ("PENDING", "ENQUEUED", "DELAYED")

        return await asyncio.to_thread(start)

    def lose(self, workflow: str) -> None:
        """Remember to queue it again. Called on a thread of the library."""
        telemetry.log().warning("database lost; the workflow is queued again when it answers", workflow=workflow)
        self._lost.add(workflow)

    async def take_up(self, alive: set[str] | None) -> None:
        """Queue what lost its database, and the workflows of executors not alive; each is given to one process.

        None: there is no other executor. Raises DatabaseUnavailable.
        """

        def recover() -> None:
            for workflow in list(self._lost):
                DBOS.resume_workflow(workflow)
                self._lost.discard(workflow)
            if alive is None:
                return
            pending = DBOS.list_workflows(
                status="PENDING", app_version=_APPLICATION_VERSION, load_input=False, load_output=False
            )
            if dead := sorted({each.executor_id for each in pending if each.executor_id} - alive):
                telemetry.log().warning("taking over", executors=dead, workflows=len(pending))
                # The library's own supervisor calls the same; there is no public name for it.
                DBOS._recover_pending_workflows(dead)

        try:
            await asyncio.to_thread(recover)
        except (error.DBOSException, SQLAlchemyError) as failed:
            raise DatabaseUnavailable(f"the workflows' database does not answer: {failed}") from failed

    def run_step(self, kind: str, name: str, turn: int, step: str) -> bool:
        """Called on a thread of the library."""
        if self._stopping:
            raise HostStopping
        # In a context of its own: a step may start the next round's workflow, which is not a part of this one.
        work = self._work.run_step(kind, name, turn, step)
        future = contextvars.Context().run(asyncio.run_coroutine_threadsafe, work, self._loop)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            if self._stopping:
                raise HostStopping from None
            return False

    def steps(self, kind: str) -> list[str]:
        """Names of the steps of that kind of workflow."""
        return self._work.steps(kind)


_current: list[Workflows] = []


@DBOS.step()
def _step(kind: str, name: str, turn: int, step: str) -> bool:
    return _current[-1].run_step(kind, name, turn, step)


@DBOS.workflow()
def _workflow(kind: str, name: str) -> None:
    turn = int(str(DBOS.workflow_id).rpartition("#")[2])
    for step in _current[-1].steps(kind):
        try:
            goes_on = _step(kind, name, turn, step)
        except SQLAlchemyError as failed:
            _current[-1].lose(str(DBOS.workflow_id))
            raise DatabaseLost from failed
        if not goes_on:
            telemetry.log().info("workflow ended early", name=name, step=step)
            return
