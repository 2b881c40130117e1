"""Schemas old, new and foreign; places that refuse."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from services.common.database import SchemaMismatch, StorageFailed
from services.common.errors import InvalidArgument, Unavailable
from services.common.rpc import dial, serve
from services.common.sqlite import use_wal
from services.host.rooms.trajectory import open_room
from services.trajectory.adapters import tables
from services.trajectory.adapters.objects import StoredObjects
from services.trajectory.adapters.sql import SqlRecords
from services.trajectory.adapters.tables import VERSION_TABLE
from services.trajectory.trajectories import to_record


async def start(url: str, to: str = "head") -> None:
    records = SqlRecords(url)
    try:
        await records.start(to)
    finally:
        await records.close()


async def test_a_database_of_the_first_revision_is_migrated_and_keeps_its_rows(database_url, make):
    old = SqlRecords(database_url)
    await old.start(to="0001")
    await old.add(to_record(make(), "0" * 64))
    await old.close()
    new = SqlRecords(database_url)
    await new.start()
    assert (await new.find(make().name)).num_steps == 2
    assert await new.page_datasets(0, 10) == []
    await new.close()


async def test_the_migrations_lead_to_the_tables_of_the_code(database_url):
    records = SqlRecords(database_url)
    await records.start()

    def differences(connection):
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), tables.metadata)

    async with records._database._engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await records.close()


async def test_starting_twice_changes_nothing(database_url):
    for _ in range(2):
        await start(database_url)


@pytest.mark.parametrize(("found", "says"), [("9999", "newer schema 9999"), ("f00", "unknown schema f00")])
async def test_a_schema_from_elsewhere_is_refused_naming_both_versions(database_url, found, says):
    await start(database_url)
    records = SqlRecords(database_url)
    async with records._database._engine.begin() as connection:
        await connection.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '{found}'"))
    await records.close()
    with pytest.raises(SchemaMismatch, match=says) as caught:
        await start(database_url)
    assert caught.value.metadata == {"found": found, "supported": "0002"}
    assert "DATABASE_URL" in caught.value.message


async def test_tables_without_a_version_are_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "t.db")
    connection.execute("CREATE TABLE trajectories (mine TEXT)")
    connection.close()
    with pytest.raises(SchemaMismatch, match="no schema version"):
        await start(f"sqlite+aiosqlite:///{tmp_path}/t.db")


async def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "t.db").write_bytes(b"certainly not SQLite" * 100)
    with pytest.raises(StorageFailed, match=r"t\.db.*not a database"):
        await start(f"sqlite+aiosqlite:///{tmp_path}/t.db")


async def test_a_place_below_a_file_is_refused_with_the_place_and_the_next_step(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFailed, match=r"file/objects.*BLOBS_URL") as caught:
        await StoredObjects((tmp_path / "file/objects").as_uri()).start()
    assert caught.value.metadata["place"] == str(tmp_path / "file/objects")
    with pytest.raises(StorageFailed, match=r"file/t\.db.*DATABASE_URL"):
        await start(f"sqlite+aiosqlite:///{tmp_path}/file/t.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
async def test_a_read_only_directory_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageFailed, match=str(tmp_path)):
        await StoredObjects((tmp_path / "objects").as_uri()).start()


async def test_a_store_that_fills_up_while_running_tells_the_caller(tmp_path, make):
    """A file in the way of the digest's directory stands for any write that the place refuses."""
    async with (
        open_room({}, dial, tmp_path) as mounts,
        serve(mounts, f"unix:{tmp_path}/t.sock") as address,
        dial(address) as channel,
    ):
        create = channel.unary_unary(
            "/ratchet.trajectory.v1.TrajectoryService/CreateTrajectory",
            pb.CreateTrajectoryRequest.SerializeToString,
            pb.CreateTrajectoryResponse.FromString,
        )
        (tmp_path / "trajectory/objects/sha256").write_text("in the way")
        with pytest.raises(StorageFailed, match="trajectory/objects"):
            await create(pb.CreateTrajectoryRequest(trajectory=make()))


async def test_urls_of_unknown_kinds_are_refused_before_anything_is_touched():
    with pytest.raises(InvalidArgument, match="blobs_url"):
        StoredObjects("gopher://x")
    with pytest.raises(InvalidArgument, match="RATCHET_TRAJECTORY__DATABASE_URL"):
        SqlRecords("oracle9+nothing://x")
    with pytest.raises(InvalidArgument, match="RATCHET_TRAJECTORY__DATABASE_URL"):
        SqlRecords("no url")


async def test_two_hosts_may_start_on_one_empty_database_at_once(database_url):
    await asyncio.gather(start(database_url), start(database_url))
    await start(database_url)


def test_a_connection_that_meets_another_at_its_first_switch_waits_for_it(tmp_path):
    with closing(sqlite3.connect(tmp_path / "t.db")) as other, closing(sqlite3.connect(tmp_path / "t.db")) as mine:
        other.execute("BEGIN IMMEDIATE")
        mine.set_trace_callback(lambda statement: other.commit() if statement == "BEGIN EXCLUSIVE" else None)
        use_wal(mine)
        assert mine.execute("PRAGMA journal_mode").fetchone() == ("wal",)


async def test_a_server_that_is_away_is_unavailable_not_a_full_disk(tmp_path):
    with pytest.raises(Unavailable, match="does not answer"):
        await start(f"postgresql+psycopg://ratchet@/none?host={tmp_path}")
