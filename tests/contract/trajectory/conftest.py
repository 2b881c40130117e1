"""A served store over a real database (SQLite, and PostgreSQL where it is installed) and a real directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as pb_grpc
from services.common import ids
from services.common.rpc import dial, serve
from services.host.rooms.trajectory import open_room


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A real PostgreSQL server of these tests' own; its URL without a database."""
    server = shutil.which("postgres")
    if server is None:
        pytest.skip("PostgreSQL is not installed")
    programs = Path(server).resolve().parent
    # PostgreSQL refuses to run as root.
    account: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        place = Path(name)
        if account:
            shutil.chown(place, account["user"])

        def run(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", str(place / "data"), *arguments]
            subprocess.run(command, check=True, cwd=place, stdout=subprocess.DEVNULL, **account)

        run("initdb", "-U", "ratchet", "--auth=trust", "--no-sync", "-E", "UTF8")
        options = f"-k {place} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "start", "-w", "-l", str(place / "log"), "-o", options)
        try:
            yield f"postgresql+psycopg://ratchet@/{{database}}?host={place}"
        finally:
            run("pg_ctl", "stop", "-w", "-m", "immediate")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/t.db"
    return created(request.getfixturevalue("postgres"))


def created(server: str) -> str:
    """URL of a new database on that server."""
    engine = sa.create_engine(server.format(database="postgres"), isolation_level="AUTOCOMMIT")
    database = f"t{ids.new_id()}"
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {database}"))
    engine.dispose()
    return server.format(database=database)


@pytest.fixture
async def store(tmp_path: Path, database_url: str) -> AsyncIterator[Any]:
    async with (
        open_room({"database_url": database_url}, dial, tmp_path) as mounts,
        serve(mounts, f"unix:{tmp_path}/t.sock") as address,
        dial(address) as channel,
    ):
        yield pb_grpc.TrajectoryServiceStub(channel)


@pytest.fixture
def make() -> Callable[..., pb.Trajectory]:
    def trajectory(episode: str = "e1", attempt: int = 1, num_steps: int = 2, **fields: Any) -> pb.Trajectory:
        run = fields.pop("run", "iterations/i1")
        fields.setdefault("state", pb.Trajectory.STATE_SUCCEEDED)
        return pb.Trajectory(
            name=f"{run}/trajectories/{episode}-{attempt}",
            episode=f"{run}/episodes/{episode}",
            attempt=attempt,
            steps=[
                pb.Step(index=k, prompt=f"prompt {k}", response=f"ACTION: click [{k}]", action=f"click [{k}]")
                for k in range(num_steps)
            ],
            **fields,
        )

    return trajectory
