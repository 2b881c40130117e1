"""kill -9 in every phase of one iteration: it ends as if nothing had happened, each episode counted once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common import rpc
from services.common.addresses import Addresses, socket_directory

PHASES = ("collect", "curate", "train", "evaluate", "gate")
SPEC = pb.IterationSpec(
    num_train_tasks=12, num_eval_tasks=4, num_template_tasks=2, max_epochs=2, parallel_episodes=3, max_steps=8
)


class Host:
    """`ratchet up` in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.addresses = Addresses(sockets=socket_directory(home))
        self._command = (sys.executable, "-m", "services.cli", "--home", str(home), "up")
        self._log = home.parent / "host.log"

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(*self._command, stderr=log, start_new_session=True)
        while not await rpc.is_serving(self.addresses.address("orchestrator"), timeout_s=120):
            assert self._process.returncode is None, self._log.read_text()[-2000:]
            await asyncio.sleep(0.1)
        self.channels = {room: rpc.dial(self.addresses.address(room)) for room in ("orchestrator", "trajectory")}

    async def end(self, number: int) -> None:
        for channel in self.channels.values():
            await channel.close()
        os.kill(self._process.pid, number)
        await self._process.wait()

    async def until(self, name: str, phase: str) -> pb.Iteration:
        """The iteration when it has come to the phase (and done something of it), or has ended."""
        stub = IterationServiceStub(self.channels["orchestrator"])
        async for event in stub.WatchIteration(pb.WatchIterationRequest(name=name), timeout=300):
            iteration = event.iteration
            progress = next((each for each in iteration.phases if each.phase == phase), None)
            if progress is not None and (progress.num_done >= min(2, progress.num_total) or progress.finished):
                return iteration
        return iteration


@pytest.fixture
async def host(tmp_path: Path):
    made = Host(tmp_path / "home")
    await made.start()
    yield made
    await made.end(signal.SIGTERM)


async def test_an_iteration_killed_in_every_phase_counts_every_episode_once(host: Host) -> None:
    iterations = IterationServiceStub(host.channels["orchestrator"])
    made = (await iterations.CreateIteration(pb.CreateIterationRequest(request_id="one", spec=SPEC))).iteration
    for phase in PHASES:
        await host.until(made.name, phase)
        await host.end(signal.SIGKILL)
        await host.start()
    ended = await host.until(made.name, "never")
    assert ended.state == pb.Iteration.STATE_SUCCEEDED, ended.error
    assert ended.verdict in ("promoted", "kept")
    assert [phase.phase for phase in ended.phases if phase.finished] == list(PHASES)

    listed = await TrajectoryServiceStub(host.channels["trajectory"]).ListTrajectories(
        store.ListTrajectoriesRequest(parent=made.name, state=store.Trajectory.STATE_SUCCEEDED, page_size=500)
    )
    counted = Counter(trajectory.episode for trajectory in listed.trajectories)
    num_policies = 3 if ended.candidate_policy else 2
    assert set(counted.values()) == {1}
    assert len(counted) == 12 + num_policies * (4 + 2) == ended.num_episodes

    again = IterationServiceStub(host.channels["orchestrator"])
    same = (await again.CreateIteration(pb.CreateIterationRequest(request_id="one", spec=SPEC))).iteration
    assert same.name == made.name


async def test_a_cancelled_iteration_is_resumed_where_it_was(host: Host) -> None:
    iterations = IterationServiceStub(host.channels["orchestrator"])
    made = (await iterations.CreateIteration(pb.CreateIterationRequest(spec=SPEC))).iteration
    await host.until(made.name, "collect")
    cancelled = (await iterations.CancelIteration(pb.CancelIterationRequest(name=made.name))).iteration
    assert cancelled.state == pb.Iteration.STATE_CANCELLED
    resumed = (await iterations.ResumeIteration(pb.ResumeIterationRequest(name=made.name))).iteration
    assert resumed.state == pb.Iteration.STATE_RUNNING
    ended = await host.until(made.name, "never")
    assert ended.state == pb.Iteration.STATE_SUCCEEDED, ended.error
