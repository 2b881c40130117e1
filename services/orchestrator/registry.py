"""Resources by name, kept durably and watched: iterations, evaluations, policies.

Invariant: every change gets a higher version, so a watcher that gives the version it saw misses nothing. Of several
processes on one database, the one that claimed a resource last works on it; what another then puts is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeVar

import sqlalchemy as sa

from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from ratchet.orchestrator.v1.policy_service_pb2 import Policy
from services.common import ids
from services.common.database import Database, StorageFailed
from services.common.errors import FailedPrecondition, InvalidArgument, NotFound
from services.orchestrator.tables import resources

R = TypeVar("R", Iteration, Evaluation, Policy)
_COLLECTIONS: dict[type, str] = {Iteration: "iterations", Evaluation: "evaluations", Policy: "policies"}
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
# How late a watcher may hear of what another process changed.
_ELSEWHERE_S = 1.0
# Any fixed number of our own.
_ALONE_LOCK = 7_238_414


class Superseded(FailedPrecondition):
    """Another process has taken this work over, or ended it."""

    reason = "SUPERSEDED"


class Registry:
    """The resources of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Condition()
        self._alone = asyncio.Lock()
        # On SQLite there is no other process.
        self._patience_s = None if database.is_sqlite else _ELSEWHERE_S
        # Changes that could not be kept: whoever watches must hear of them another way.
        self._refusals: dict[str, StorageFailed] = {}

    async def create(self, resource: R, request_id: str, *, active: bool) -> tuple[R, bool]:
        """Store a new resource; the earlier one and False where the request id was seen before."""
        row = {
            "name": resource.name,
            "collection": _COLLECTIONS[type(resource)],
            "request_id": request_id or None,
            "version": 1,
            "active": active,
            "body": resource.SerializeToString(),
        }
        try:
            async with self._database.write() as connection:
                await connection.execute(sa.insert(resources).values(row))
        except sa.exc.IntegrityError:
            same = sa.or_(resources.c.name == resource.name, resources.c.request_id == request_id)
            found = await self._database.read(sa.select(resources.c.body).where(same))
            return type(resource).FromString(found[0]["body"]), False
        await self._notify()
        return resource, True

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Nobody else is in such a block while this one runs, in any process on this database."""
        async with self._alone, contextlib.AsyncExitStack() as stack:
            if not self._database.is_sqlite:
                connection = await stack.enter_async_context(self._database.write())
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ALONE_LOCK)))
            yield

    async def claim(self, kind: type[R], name: str) -> tuple[R, str]:
        """Take over the work on a resource: it, and the holder that `put` asks for. Raises NotFound."""
        holder = ids.new_id()
        async with self._database.write() as connection:
            await connection.execute(sa.update(resources).where(resources.c.name == name).values(holder=holder))
        return await self.get(kind, name), holder

    async def put(self, resource: R, *, active: bool, holder: str = "") -> None:
        """Replace a resource's state; inactive ones are finished. Without a holder, whoever works on it loses it.

        Raises StorageFailed, here and for the watchers; Superseded where the resource has another `holder` by now.
        """
        mine = (resources.c.name == resource.name, *([resources.c.holder == holder] if holder else []))
        body = resource.SerializeToString()
        try:
            async with self._database.write() as connection:
                changed = await connection.execute(
                    sa.update(resources)
                    .where(*mine)
                    .values(body=body, version=resources.c.version + 1, active=active, holder=holder)
                )
            if holder and not changed.rowcount:
                raise Superseded(f"{resource.name} was taken over or ended by another orchestrator", name=resource.name)
            self._refusals.pop(resource.name, None)
        except StorageFailed as refusal:
            self._refusals[resource.name] = refusal
            raise
        finally:
            await self._notify()

    async def get(self, kind: type[R], name: str) -> R:
        """The resource of that name. Raises NotFound, with what to ask for instead."""
        rows = await self._database.read(sa.select(resources.c.body).where(resources.c.name == name))
        collection = _COLLECTIONS[kind]
        if not rows or not name.startswith(collection + "/"):
            raise NotFound(f"there is no {name}; list what there is with `ratchet {collection} list`", name=name)
        return kind.FromString(rows[0]["body"])

    async def by_request(self, kind: type[R], request_id: str) -> R | None:
        """The resource that a request made."""
        rows = await self._database.read(sa.select(resources.c.body).where(resources.c.request_id == request_id))
        return kind.FromString(rows[0]["body"]) if rows else None

    async def active(self, kind: type[R]) -> list[R]:
        """Those that have not ended, oldest first."""
        query = sa.select(resources.c.body).where(
            resources.c.collection == _COLLECTIONS[kind], resources.c.active.is_(True)
        )
        return [kind.FromString(row["body"]) for row in await self._database.read(query.order_by(resources.c.name))]

    async def page(self, kind: type[R], page_size: int, page_token: str) -> tuple[list[R], str]:
        """Newest first, and the token of the next page ("" at the end)."""
        if page_size < 0:
            raise InvalidArgument("page_size must not be negative")
        size = min(page_size or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
        query = sa.select(resources).where(resources.c.collection == _COLLECTIONS[kind])
        if page_token:
            query = query.where(resources.c.name < page_token)
        rows = await self._database.read(query.order_by(resources.c.name.desc()).limit(size + 1))
        token = rows[size - 1]["name"] if len(rows) > size else ""
        return [kind.FromString(row["body"]) for row in rows[:size]], token

    async def watch(self, kind: type[R], name: str, after_version: int = 0) -> AsyncIterator[tuple[R, int]]:
        """(resource, version) now if newer than `after_version`, then at every change, until it is finished.

        Raises NotFound, and StorageFailed when its state cannot be kept any more.
        """
        await self.get(kind, name)
        query = sa.select(resources).where(resources.c.name == name)
        while True:
            async with self._changed:
                if refusal := self._refusals.get(name):
                    raise refusal
                row = (await self._database.read(query))[0]
                if row["version"] <= after_version and row["active"]:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._patience_s):
                            await self._changed.wait()
                    continue
            if row["version"] > after_version:
                after_version = row["version"]
                yield kind.FromString(row["body"]), after_version
            if not row["active"]:
                return

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
