"""What a pod that cannot start says in its first line: what is wrong and what to do, in a pod's words."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from services.common.database import Database, StorageFailed
from services.host.main import HomeNotWritable, host
from tests.contract.trajectory.conftest import postgres  # noqa: F401 - a fixture
from tests.topology.test_browsers import free_ports


async def first_line(home: Path, room: str, **environment: str) -> str:
    """Of a process that does not start."""
    command = (sys.executable, "-m", "services.cli", "--home", str(home), "serve", room)
    process = await asyncio.create_subprocess_exec(
        *command, stderr=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    _, said = await process.communicate()
    assert process.returncode
    lines = said.decode().splitlines()
    assert "ratchet up" not in said.decode()
    return lines[0]


async def test_a_database_that_is_away_is_named_with_its_setting(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ratchet@127.0.0.1:{free_ports(1)[0]}/ratchet"
    said = await first_line(tmp_path, "trajectory", RATCHET_TRAJECTORY__DATABASE_URL=url)
    assert said.startswith(f"error: the database {url} does not answer:")
    assert said.endswith(
        "Check that it runs and that this process may reach it, or set RATCHET_TRAJECTORY__DATABASE_URL to another"
    )


async def test_workflows_on_a_database_that_is_away_say_so_before_their_library_does(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ratchet@127.0.0.1:{free_ports(1)[0]}/ratchet"
    said = await first_line(tmp_path, "orchestrator", RATCHET_ORCHESTRATOR__WORKFLOW_DATABASE_URL=url)
    assert said.startswith(f"error: the database {url} does not answer:")
    assert "RATCHET_ORCHESTRATOR__WORKFLOW_DATABASE_URL" in said


async def test_a_wrong_password_and_a_database_that_was_not_made_are_told_apart(tmp_path: Path, postgres: str) -> None:  # noqa: F811
    admin = postgres.format(database="postgres")
    with psycopg.connect(admin.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'right'")
        rules = Path(connection.execute("SHOW hba_file").fetchone()[0])
        rules.write_text("local all stranger scram-sha-256\nlocal all all trust\n")
        connection.execute("SELECT pg_reload_conf()")
    stranger = admin.replace("ratchet@", "stranger@")
    said = await first_line(tmp_path, "trajectory", RATCHET_TRAJECTORY__DATABASE_URL=stranger, PGPASSWORD="wrong")
    assert 'password authentication failed for user "stranger"' in said
    assert "Check the user and the password in PGPASSWORD, which a pod has from its Secret" in said
    missing = postgres.format(database="missing")
    said = await first_line(tmp_path, "trajectory", RATCHET_TRAJECTORY__DATABASE_URL=missing)
    assert 'database "missing" does not exist. Create the database and its user' in said


async def test_a_database_whose_disk_is_full_is_no_database_that_is_away(postgres: str) -> None:  # noqa: F811
    database = Database(postgres.format(database="postgres"), sa.MetaData(), Path(), "", "SETTING")
    # The server's own error, raised without filling a disk.
    raising = "RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'"
    making = f"CREATE FUNCTION fill() RETURNS int AS $$ BEGIN {raising}; END $$ LANGUAGE plpgsql"
    async with database.write() as connection:
        await connection.execute(sa.text(making))
    with pytest.raises(StorageFailed, match=r"No space left on device\. Check the server's volume"):
        await database.read(sa.select(sa.func.fill()))
    await database.close()


async def test_an_object_store_that_is_away_is_named_with_its_variables(tmp_path: Path) -> None:
    said = await first_line(
        tmp_path,
        "trajectory",
        RATCHET_TRAJECTORY__BLOBS_URL="s3://bucket/prefix",
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_ports(1)[0]}",
        AWS_ALLOW_HTTP="true",
        AWS_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
    )
    assert said.startswith("error: cannot keep blobs in s3://bucket/prefix:")
    assert "Check that the store of AWS_ENDPOINT_URL (empty is AWS) can be reached, that the bucket exists" in said


async def test_a_secret_without_the_certificate_is_named(tmp_path: Path) -> None:
    files = {name: str(tmp_path / name.lower()) for name in ("CERTIFICATE", "KEY", "AUTHORITY")}
    said = await first_line(
        tmp_path / "home",
        "trajectory",
        RATCHET_HOST__LISTEN=f"127.0.0.1:{free_ports(1)[0]}",
        **{f"RATCHET_TLS__{name}": path for name, path in files.items()},
    )
    assert said.startswith(f"error: cannot read {files['CERTIFICATE']}: No such file or directory;")
    assert "that the mounted Secret has that key" in said


@pytest.fixture
def full_volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 4 MB."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not mount or not umount:
        pytest.skip("there is no mount command")
    tried = subprocess.run([mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", tmp_path], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {tried.stderr.decode().strip()}")
    yield tmp_path
    subprocess.run([umount, "--lazy", tmp_path], check=True)


async def test_a_full_volume_is_named_with_what_is_left(full_volume: Path) -> None:
    with pytest.raises(HomeNotWritable, match=rf"{full_volume} has 4 MB free, too little to start; .* the volume more"):
        async with host(full_volume, {}, ["trajectory"]):
            pass
