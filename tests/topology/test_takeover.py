"""Two orchestrators on one PostgreSQL: it goes away and comes back, one of them dies; all is done and counted once."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from grpc import aio

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common import rpc
from services.common.addresses import ROOMS, Addresses, arena_url, socket_directory
from services.common.errors import FailedPrecondition, Unavailable
from services.host.main import host
from tests.contract.trajectory.conftest import created, postgres  # noqa: F401 - fixtures of PostgreSQL
from tests.topology.conftest import serving

SPEC = pb.IterationSpec(num_train_tasks=3, num_eval_tasks=1, num_template_tasks=1, parallel_episodes=1, max_steps=3)


class Orchestrator:
    """`ratchet serve orchestrator` in a process of its own, the other rooms elsewhere."""

    def __init__(self, home: Path, others: Addresses, at: Path, database: str) -> None:
        self.address = Addresses(sockets=socket_directory(home)).address("orchestrator")
        self._home = home
        self._environment = {
            "RATCHET_HOST__ADDRESSES": json.dumps({room: others.address(room) for room in ROOMS[1:-1]}),
            "RATCHET_ORCHESTRATOR__ARENA_URL": arena_url(at),
            "RATCHET_ORCHESTRATOR__DATABASE_URL": database,
            "RATCHET_ORCHESTRATOR__WORKFLOW_DATABASE_URL": database,
            "RATCHET_ORCHESTRATOR__EXECUTOR_ID": home.name,
            "RATCHET_ORCHESTRATOR__EXECUTOR_STALE_S": "4",
        }

    async def start(self) -> None:
        command = (sys.executable, "-m", "services.cli", "--home", str(self._home), "serve", "orchestrator")
        with self._home.with_suffix(".log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, stderr=log, env={**os.environ, **self._environment}
            )
        await serving(self.address)
        self.channel: aio.Channel = rpc.dial(self.address)
        self.iterations = IterationServiceStub(self.channel)

    async def until(self, name: str, phase: str) -> pb.Iteration:
        """The iteration when it has done something of the phase, or has ended."""
        async for event in self.iterations.WatchIteration(pb.WatchIterationRequest(name=name), timeout=300):
            if any(each.phase == phase and each.num_done for each in event.iteration.phases):
                break
        return event.iteration

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        await self.channel.close()


@pytest.fixture
async def both(tmp_path: Path, postgres: str) -> AsyncIterator[tuple[Orchestrator, Orchestrator, aio.Channel]]:  # noqa: F811
    database = created(postgres)
    async with AsyncExitStack() as stack:
        tables = {"trajectory": {"database_url": database}}
        others = await stack.enter_async_context(host(tmp_path / "others", tables, list(ROOMS[:-1])))
        trajectories = rpc.dial(others.address("trajectory"))
        stack.push_async_callback(trajectories.close)
        made = []
        for name in ("one", "two"):
            orchestrator = Orchestrator(tmp_path / name, others, tmp_path / "others", database)
            made.append(orchestrator)
            await orchestrator.start()
            stack.push_async_callback(orchestrator.stop)
        yield made[0], made[1], trajectories


async def counted(trajectories: aio.Channel, name: str) -> Counter[str]:
    """How many results each episode of the iteration has."""
    listed = await TrajectoryServiceStub(trajectories).ListTrajectories(
        store.ListTrajectoriesRequest(parent=name, state=store.Trajectory.STATE_SUCCEEDED, page_size=500)
    )
    return Counter(trajectory.episode for trajectory in listed.trajectories)


def pg_ctl(server: str, *command: str) -> None:
    """Of the server with that URL."""
    place = Path(server.partition("?host=")[2])
    program = Path(shutil.which("postgres") or "").resolve().parent / "pg_ctl"
    account = {"user": "postgres"} if os.geteuid() == 0 else {}
    subprocess.run(
        [str(program), "-D", str(place / "data"), "-w", *command],
        check=True,
        cwd=place,
        stdout=subprocess.DEVNULL,
        **account,
    )


async def test_an_iteration_outlives_its_database_and_its_orchestrator_with_every_episode_counted_once(
    both,
    postgres: str,  # noqa: F811
) -> None:
    one, two, trajectories = both
    made = (await one.iterations.CreateIteration(pb.CreateIterationRequest(spec=SPEC))).iteration
    with pytest.raises(FailedPrecondition, match=made.name):
        await two.iterations.CreateIteration(pb.CreateIterationRequest(spec=SPEC))
    await one.until(made.name, "collect")
    cancelled = (await two.iterations.CancelIteration(pb.CancelIterationRequest(name=made.name))).iteration
    assert cancelled.state == pb.Iteration.STATE_CANCELLED, "each may end what the other runs"
    resumed = (await two.iterations.ResumeIteration(pb.ResumeIterationRequest(name=made.name))).iteration
    assert resumed.num_resumes == 1
    pg_ctl(postgres, "stop", "-m", "immediate")
    with pytest.raises(Unavailable, match="does not answer"):
        await two.until(made.name, "never")
    options = f"-k {postgres.partition('?host=')[2]} -c listen_addresses='' -c fsync=off"
    pg_ctl(postgres, "start", "-o", options, "-l", os.devnull)
    watching = asyncio.create_task(one.until(made.name, "never"))
    async for event in two.iterations.WatchIteration(pb.WatchIterationRequest(name=made.name), timeout=300):
        if event.iteration.phase != "collect":
            break
    assert event.iteration.state == pb.Iteration.STATE_RUNNING
    two.process.kill()
    ended = await watching
    assert ended.state == pb.Iteration.STATE_SUCCEEDED, ended.error
    assert ended.num_resumes == 1, "the same workflow went on"
    episodes = await counted(trajectories, made.name)
    assert set(episodes.values()) == {1}
    assert len(episodes) == ended.num_episodes == 3 + 2 * (1 + 1)
