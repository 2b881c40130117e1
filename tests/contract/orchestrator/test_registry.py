"""Resources are kept, listed and watched; the schema is migrated or refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from services.common.database import SchemaMismatch
from services.common.errors import AlreadyExists, NotFound
from services.orchestrator import tables
from services.orchestrator.database import open_database
from services.orchestrator.registry import Registry
from services.orchestrator.suites import Suites, UnknownSuite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orchestrator.db"


@pytest.fixture
async def database(path: Path):
    opened = open_database(f"sqlite+aiosqlite:///{path}")
    await opened.start()
    yield opened
    await opened.close()


def iteration(name: str) -> Iteration:
    return Iteration(name=f"iterations/{name}", state=Iteration.STATE_RUNNING)


async def test_a_request_id_makes_one_resource(database) -> None:
    registry = Registry(database)
    first, is_new = await registry.create(iteration("a"), "request", active=True)
    again, is_new_again = await registry.create(iteration("b"), "request", active=True)
    assert (first.name, is_new) == (again.name, True)
    assert not is_new_again
    assert [each.name for each in await registry.active(Iteration)] == ["iterations/a"]


async def test_pages_are_newest_first_and_complete(database) -> None:
    registry = Registry(database)
    for name in "abcde":
        await registry.create(iteration(name), "", active=False)
    seen, token = await registry.page(Iteration, 2, "")
    while token:
        more, token = await registry.page(Iteration, 2, token)
        seen += more
    assert [each.name[-1] for each in seen] == list("edcba")


async def test_a_watcher_sees_the_end_and_a_resumed_one_only_what_is_new(database) -> None:
    registry = Registry(database)
    made, _ = await registry.create(iteration("a"), "", active=True)
    begun, seen = asyncio.Event(), []

    async def watch() -> None:
        async for each, version in registry.watch(Iteration, made.name):
            seen.append((each.phase, version))
            begun.set()

    watching = asyncio.create_task(watch())
    await begun.wait()
    made.phase = "collect"
    await registry.put(made, active=True)
    made.phase = "gate"
    await registry.put(made, active=False)
    await watching
    assert seen[0] == ("", 1)
    assert seen[-1] == ("gate", 3)
    assert [each async for each in registry.watch(Iteration, made.name, after_version=3)] == []


async def test_an_unknown_name_is_not_found(database) -> None:
    with pytest.raises(NotFound, match="ratchet iterations list"):
        await Registry(database).get(Iteration, "iterations/none")


async def test_a_newer_schema_is_refused_naming_both_versions(database, path: Path) -> None:
    async with database.write() as connection:
        await connection.execute(sa.text(f"UPDATE {tables.VERSION_TABLE} SET version_num = '9999'"))
    other = open_database(f"sqlite+aiosqlite:///{path}")
    with pytest.raises(SchemaMismatch, match="newer schema 9999") as caught:
        await other.start()
    await other.close()
    assert caught.value.metadata["found"] == "9999"


async def test_the_migrations_lead_to_the_tables_of_the_code(database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        options = {"version_table": tables.VERSION_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata)

    async with database.write() as connection:
        assert await connection.run_sync(differences) == []


async def test_an_imported_suite_is_kept_and_another_under_its_name_is_refused(database) -> None:
    suites = Suites(database, {})
    text = (
        '[{"sites": ["x"], "task_id": 1, "require_login": false, "storage_state": null, "start_url": "__X__/a",'
        ' "intent_template": "t", "intent": "i", "intent_template_id": 1, "eval": {"eval_types": ["url_match"],'
        ' "reference_answers": null, "reference_url": "__X__/b", "program_html": []}}]'
    )
    assert await suites.add("mine", text, {"__X__": "http://localhost:1"}) == 1
    assert await suites.add("mine", text, {"__X__": "http://localhost:1"}) == 1
    with pytest.raises(AlreadyExists):
        await suites.add("mine", text, {"__X__": "http://localhost:2"})
    (task,) = await (await suites.named("mine")).tasks("all", 1, 0)
    assert (task.id, task.world) == ("1", '{"__X__": "http://localhost:1"}')
    with pytest.raises(UnknownSuite, match="known: mine"):
        await suites.named("yours")
