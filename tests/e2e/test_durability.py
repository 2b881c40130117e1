"""kill -9 in every phase, a cancelled iteration, a full disk: each ends as if nothing had happened, nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from ratchet.training.v1.training_service_pb2 import TrainingJob, WatchTrainingJobRequest
from ratchet.training.v1.training_service_pb2_grpc import TrainingServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common import rpc
from services.common.addresses import Addresses, socket_directory
from services.common.database import StorageFailed
from services.common.errors import FailedPrecondition

PHASES = ("collect", "curate", "train", "evaluate", "gate")
SPEC = pb.IterationSpec(
    num_train_tasks=12, num_eval_tasks=4, num_template_tasks=2, max_epochs=2, parallel_episodes=3, max_steps=8
)
TWO_ROUNDS = pb.IterationSpec()
TWO_ROUNDS.CopyFrom(SPEC)
TWO_ROUNDS.rounds = 2


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
        self.channels = {
            room: rpc.dial(self.addresses.address(room)) for room in ("orchestrator", "trajectory", "training")
        }

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

    async def end_of(self, name: str) -> pb.Iteration:
        """The iteration when it has ended."""
        return await self.until(name, "never")

    async def counted(self, name: str) -> Counter[str]:
        """How many results each episode of the iteration has in the store."""
        listed = await TrajectoryServiceStub(self.channels["trajectory"]).ListTrajectories(
            store.ListTrajectoriesRequest(parent=name, state=store.Trajectory.STATE_SUCCEEDED, page_size=500)
        )
        return Counter(trajectory.episode for trajectory in listed.trajectories)

    async def check(self, ended: pb.Iteration) -> None:
        """It went through every phase, and counts every episode once."""
        assert ended.state == pb.Iteration.STATE_SUCCEEDED, ended.error
        assert ended.verdict in ("promoted", "kept")
        assert [phase.phase for phase in ended.phases if phase.finished] == list(PHASES)
        counted = await self.counted(ended.name)
        num_policies = 3 if ended.candidate_policy else 2
        assert set(counted.values()) == {1}
        assert len(counted) == 12 + num_policies * (4 + 2) == ended.num_episodes


@pytest.fixture
async def host(tmp_path: Path):
    made = Host(tmp_path / "home")
    await made.start()
    yield made
    await made.end(signal.SIGTERM)


async def test_two_rounds_killed_in_every_phase_count_every_episode_once(host: Host) -> None:
    iterations = IterationServiceStub(host.channels["orchestrator"])
    made = (await iterations.CreateIteration(pb.CreateIterationRequest(request_id="one", spec=TWO_ROUNDS))).iteration
    for phase in PHASES:
        await host.until(made.name, phase)
        await host.end(signal.SIGKILL)
        await host.start()
    first = await host.end_of(made.name)
    await host.check(first)
    await host.until(first.next, "evaluate")
    await host.end(signal.SIGKILL)
    await host.start()
    second = await host.end_of(first.next)
    await host.check(second)
    assert (second.round, second.previous, second.next) == (2, first.name, "")

    again = IterationServiceStub(host.channels["orchestrator"])
    same = (await again.CreateIteration(pb.CreateIterationRequest(request_id="one", spec=TWO_ROUNDS))).iteration
    assert same.name == made.name


async def test_a_second_iteration_is_refused_and_a_cancelled_one_resumed_where_it_was(host: Host) -> None:
    iterations = IterationServiceStub(host.channels["orchestrator"])
    made = (await iterations.CreateIteration(pb.CreateIterationRequest(spec=SPEC))).iteration
    with pytest.raises(FailedPrecondition, match=made.name):
        await iterations.CreateIteration(pb.CreateIterationRequest(spec=SPEC))
    await host.until(made.name, "collect")
    cancelled = (await iterations.CancelIteration(pb.CancelIterationRequest(name=made.name))).iteration
    assert cancelled.state == pb.Iteration.STATE_CANCELLED
    resumed = (await iterations.ResumeIteration(pb.ResumeIterationRequest(name=made.name))).iteration
    assert resumed.state == pb.Iteration.STATE_RUNNING
    async for event in iterations.WatchIteration(pb.WatchIterationRequest(name=made.name), timeout=300):
        if event.iteration.training_job:
            break
    cancelled = (await iterations.CancelIteration(pb.CancelIterationRequest(name=made.name))).iteration
    training = TrainingServiceStub(host.channels["training"])
    async for event in training.WatchTrainingJob(WatchTrainingJobRequest(name=cancelled.training_job)):
        job = event.training_job
    assert job.state == TrainingJob.STATE_CANCELLED
    await iterations.ResumeIteration(pb.ResumeIterationRequest(name=made.name))
    await host.check(await host.end_of(made.name))


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of its own, so that it can be full."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    if not mount or not umount:
        pytest.skip("there is no mount command")
    tried = subprocess.run([mount, "-t", "tmpfs", "-o", "size=64m", "tmpfs", place], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {tried.stderr.decode().strip()}")
    yield place
    subprocess.run([umount, "--lazy", place], check=True)


def fill(ballast: Path) -> None:
    """Take every block that is left."""
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


async def test_a_full_disk_is_told_to_the_watcher_and_loses_nothing(small_disk: Path) -> None:
    host = Host(small_disk / "home")
    await host.start()
    try:
        iterations = IterationServiceStub(host.channels["orchestrator"])
        made = (await iterations.CreateIteration(pb.CreateIterationRequest(spec=SPEC))).iteration
        await host.until(made.name, "collect")
        ballast = small_disk / "ballast"
        fill(ballast)
        with pytest.raises(StorageFailed, match=r"free space"):
            await host.end_of(made.name)
        ballast.unlink()
        failed = made
        async with asyncio.timeout(60):
            while failed.state == pb.Iteration.STATE_RUNNING:
                failed = (await iterations.GetIteration(pb.GetIterationRequest(name=made.name))).iteration
                await asyncio.sleep(0.2)
        assert failed.state == pb.Iteration.STATE_FAILED
        assert "iterations resume" in failed.error
        await iterations.ResumeIteration(pb.ResumeIterationRequest(name=made.name))
        await host.check(await host.end_of(made.name))
    finally:
        await host.end(signal.SIGTERM)
