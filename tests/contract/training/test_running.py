"""How a job takes the end of its worker. The workers here are shell scripts: the room sees only their exits."""

import asyncio
import json
import os
import signal
import time

import pytest

from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as trajectory_grpc
from services.common.rpc import dial
from services.training import jobs
from services.training.adapters.process import ChildProcess
from services.training.jobs import CANCELLED, FAILED, RUNNING, Record
from services.training.running import Runs
from services.training.settings import TrainingSettings

POINT = '{"step": 1, "epoch": 1.0, "train_loss": 2.5, "validation_perplexity": 9.0, "tokens_per_s": 7.0}'
REPORT = f"""echo '{{"total_steps": 4, "initial_validation_perplexity": 12.0}}' > progress.jsonl
echo '{POINT}' >> progress.jsonl
"""


class Shell:
    """Starts a script in place of the worker, and counts."""

    def __init__(self, script: str) -> None:
        self.script = script
        self.num_starts = 0

    async def start(self, directory):
        self.num_starts += 1
        reading, writing = os.pipe()
        process = await asyncio.create_subprocess_exec("sh", "-c", self.script, cwd=directory, stdin=reading)
        os.close(reading)
        return ChildProcess(process, writing)


@pytest.fixture
async def take_up(tmp_path, base):
    """Has a room take up a job whose inputs are there already, with a script for a worker."""
    channel, opened = dial(f"unix:{tmp_path}/nowhere.sock"), []

    async def take(script, **fields):
        directory = tmp_path / "training" / "j1"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "dataset.parquet").touch()
        (directory / "worker.log").touch()
        if not (directory / "job.json").exists():
            record = {"id": "j1", "request_id": "", "spec": {"baseModel": str(base)}, "create_time": time.time()}
            jobs.write(directory / "job.json", {**record, **fields})
        shell = Shell(script)
        settings = TrainingSettings(max_restarts=2)
        runs = Runs(tmp_path / "training", settings, {}, shell, trajectory_grpc.TrajectoryServiceStub(channel))
        opened.append(runs)
        await runs.start()
        return runs, shell

    yield take
    for runs in opened:
        await runs.stop()
    await channel.close()


async def ended(runs, until=lambda job: False):
    async for job in runs.watch("trainingJobs/j1"):
        if until(job):
            break
    return job


async def test_the_workers_reason_is_the_jobs_error(take_up):
    runs, shell = await take_up("""echo '{"error": "no training row"}' > error.json; exit 1""")
    job = await ended(runs)
    assert (job.record.state, job.record.error, shell.num_starts) == (FAILED, "no training row", 1)


async def test_a_worker_that_breaks_is_quoted(take_up):
    runs, _ = await take_up("echo 'ImportError: no torch' > worker.log; exit 3")
    assert "status 3: ImportError: no torch" in (await ended(runs)).record.error


async def test_a_killed_worker_is_started_again_and_given_up_in_the_end(take_up):
    runs, shell = await take_up("kill -9 $$")
    job = await ended(runs)
    assert (job.record.state, shell.num_starts) == (FAILED, 3)
    assert "killed by signal 9 3 times; most often that is a lack of memory" in job.record.error


async def test_what_the_worker_reports_is_told_as_it_comes(take_up):
    runs, _ = await take_up(REPORT + "cat > /dev/null; exit 75")
    job = await ended(runs, lambda job: job.progress.points)
    message = job.message()
    assert (message.num_steps, message.total_steps, message.initial_validation_perplexity) == (1, 4, 12.0)
    assert message.points[0].train_loss == 2.5
    assert message.elapsed_s > 0


async def test_a_cancelled_worker_may_keep_its_checkpoint(take_up):
    runs, _ = await take_up("trap 'touch kept; exit 75' TERM; touch ready\n" + REPORT + "while :; do sleep 0.05; done")
    job = await ended(runs, lambda job: job.progress.points)
    await runs.cancel("trainingJobs/j1")
    assert job.record.state == CANCELLED
    assert (job.directory / "kept").exists()


async def test_a_job_waiting_for_its_store_can_be_cancelled(take_up, tmp_path):
    runs, shell = await take_up("exit 0", spec={"dataset": "datasets/d", "initialAdapter": "a" * 64, "baseModel": "x"})
    await runs.cancel("trainingJobs/j1")
    kept = Record(**json.loads((tmp_path / "training" / "j1" / "job.json").read_text()))
    assert (kept.state, shell.num_starts) == (CANCELLED, 0)


async def test_a_room_that_stops_leaves_its_job_to_the_next(take_up):
    stubborn = REPORT + "trap 'exit 75' TERM; while :; do sleep 0.05; done"
    runs, _ = await take_up(stubborn)
    await ended(runs, lambda job: job.progress.points)
    await runs.stop()
    assert runs.get("trainingJobs/j1").record.state == RUNNING
    runs, shell = await take_up("""echo '{"error": "taken up"}' > error.json; exit 1""")
    job = await ended(runs)
    assert (job.record.error, shell.num_starts) == ("taken up", 1)
    assert job.progress.points


async def test_a_job_whose_disk_refuses_fails_with_that(take_up, tmp_path):
    runs, _ = await take_up(REPORT + "rm -r ../j1; touch ../j1; kill -9 $$")
    job = await ended(runs)
    assert job.record.state == FAILED
    assert "cannot write" in job.record.error


async def test_a_worker_that_dies_while_it_is_asked_to_stop_is_cancelled_too(take_up):
    runs, _ = await take_up(REPORT + f"trap 'kill -{signal.SIGKILL} $$' TERM; while :; do sleep 0.05; done")
    await ended(runs, lambda job: job.progress.points)
    assert (await runs.cancel("trainingJobs/j1")).record.state == CANCELLED
