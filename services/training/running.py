"""Jobs from their request to their end: inputs fetched, a worker run and watched, its adapter stored.

Invariant: a job goes on after the death of its worker or of the room, from its last checkpoint; it ends once, as
SUCCEEDED with a stored adapter, FAILED with the reason, or CANCELLED.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import json_format

from ratchet.training.v1 import training_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as trajectory_grpc
from services.common import archives, checkpoints, ids
from services.common.errors import NotFound, RatchetError, Unavailable
from services.common.telemetry import log
from services.training import blobs, jobs, methods, metrics, presets
from services.training.jobs import CANCELLED, FAILED, RUNNING, SUCCEEDED, Job, Record
from services.training.ports import STOPPED, UNWRITABLE, Launcher, Process
from services.training.settings import TrainingSettings

T = TypeVar("T")
# A job's progress is looked at so often.
POLL_S = 0.25
# The seconds that a job took so far are kept so often.
_KEEP_S = 5.0
# A store that is away is asked again for so long.
_PATIENCE_S = 300.0
# A worker that was asked to stop has so long to keep a checkpoint.
_STOP_S = 30.0
_ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


class Runs:
    """Every job of this room. `start` before use, `stop` after."""

    def __init__(
        self,
        home: Path,
        settings: TrainingSettings,
        known: dict[str, Path],
        launcher: Launcher,
        store: trajectory_grpc.TrajectoryServiceAsyncStub,
    ) -> None:
        self._home = home
        self._settings = settings
        self._known = known
        self._launcher = launcher
        self._store = store
        self._jobs: dict[str, Job] = {}
        self._processes: dict[str, Process] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(settings.max_running)
        self._stopping = False

    async def start(self) -> None:
        """Read the jobs of earlier lives and go on with those that are not over."""
        for directory in sorted(self._home.iterdir()) if self._home.is_dir() else ():
            if (job := jobs.read(directory)) is not None:
                self._jobs[job.record.id] = job
                if not job.is_over:
                    log().info("training job resumed", job=job.record.id)
                    self._spawn(job)
        self._count()

    async def stop(self) -> None:
        """Let go of workers, those that end with the room with a checkpoint; the next start goes on. Idempotent."""
        self._stopping = True
        for process in self._processes.values():
            process.release()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def get(self, name: str) -> Job:
        """A job by resource name. Raises NotFound, InvalidArgument."""
        (job_id,) = ids.parse(name, "trainingJobs")
        if job_id not in self._jobs:
            raise NotFound(f"there is no {name}; ListTrainingJobs names those that are", name=name)
        return self._jobs[job_id]

    def newest(self) -> list[Job]:
        """All jobs, newest first."""
        return sorted(self._jobs.values(), key=lambda job: job.record.id, reverse=True)

    def complete(self, spec: pb.TrainingSpec) -> pb.TrainingSpec:
        """The specification with every number. Raises InvalidArgument, ModelNotFound, MethodUnavailable."""
        base = checkpoints.locate(spec.base_model, self._known)
        full = presets.complete(spec, base.metadata.preset, base.metadata.prompt_format)
        methods.check(methods.name(full), self._settings.num_processes)
        return full

    async def create(self, request_id: str, spec: pb.TrainingSpec) -> Job:
        """Start a job, or find the one of this request. Raises as `complete` does, and NotFound."""
        if (job := self._of_request(request_id)) is not None:
            return job
        full = self.complete(spec)
        await self._store.GetDataset(trajectory.GetDatasetRequest(name=spec.dataset))
        if (job := self._of_request(request_id)) is not None:  # came twice at once
            return job
        record = Record(ids.new_id(), request_id, json_format.MessageToDict(full), time.time())
        job = self._jobs[record.id] = Job(self._home / record.id, record)
        try:
            await job.change()
        except RatchetError:
            del self._jobs[record.id]
            raise
        self._spawn(job)
        self._count()
        return job

    def _of_request(self, request_id: str) -> Job | None:
        return next((job for job in self._jobs.values() if request_id and job.record.request_id == request_id), None)

    async def cancel(self, name: str) -> Job:
        """Stop a job and keep its checkpoint. A job that is over stays as it is."""
        job = self.get(name)
        if not job.is_over:
            await job.change(cancelling=True)
            if (process := self._processes.get(job.record.id)) is not None:
                process.stop()
            else:
                self._tasks[job.record.id].cancel()
            await asyncio.wait([self._tasks[job.record.id]])
            if not job.is_over:
                await self._finish(job, CANCELLED)
        return job

    async def watch(self, name: str) -> AsyncIterator[Job]:
        """The job now and after each change, until it is over. Changes in quick succession may come as one."""
        job = self.get(name)
        while True:
            version = job.version
            yield job
            if job.is_over:
                return
            await job.next(version)

    def _spawn(self, job: Job) -> None:
        self._tasks[job.record.id] = asyncio.create_task(self._run(job), name=f"training {job.record.id}")

    async def _run(self, job: Job) -> None:
        try:
            if job.record.cancelling:
                await self._finish(job, CANCELLED)
                return
            async with self._slots:
                await self._prepare(job)
                job.clock(runs=True)
                await job.change(state=RUNNING)
                self._count()
                await self._work(job)
        except (RatchetError, OSError, ValueError) as error:
            try:
                await self._finish(job, FAILED, error=str(error))
            except RatchetError as unkept:  # told to the watchers; the next start tries again
                log().error("training job's end could not be kept", job=job.record.id, why=unkept.message)
        finally:
            job.clock(runs=False)

    async def _prepare(self, job: Job) -> None:
        """What the worker reads: its specification and its inputs."""
        spec, directory = job.spec(), job.directory
        base = checkpoints.locate(spec.base_model, self._known)
        if not (directory / "dataset.parquet").exists():
            found = await _patiently(lambda: self._store.GetDataset(trajectory.GetDatasetRequest(name=spec.dataset)))
            await _patiently(lambda: blobs.fetch(self._store, found.dataset.blob, directory / "dataset.parquet"))
        if spec.initial_adapter and not (directory / "initial").exists():
            blob = f"blobs/{spec.initial_adapter.removeprefix('blobs/')}"
            await _patiently(lambda: blobs.fetch(self._store, blob, directory / "initial.tar"))
            await asyncio.to_thread(archives.unpack, directory / "initial.tar", directory / "initial", _ADAPTER_FILES)
        settings = self._settings.model_dump(
            include={
                "device",
                "precision",
                "threads",
                "processes",
                "batching",
                "micro_batch_size",
                "micro_batch_tokens",
                "gradient_checkpointing",
                "peak_tflops",
                "checkpoint_s",
                "allow_download",
            }
        )
        work = {**_plain(spec), **settings, "base_name": base.name, "base_uri": base.uri}
        await asyncio.to_thread(jobs.write, directory / "spec.json", work)

    async def _work(self, job: Job) -> None:
        while True:
            process = await _patiently(lambda: self._launcher.start(job.directory))
            self._processes[job.record.id] = process
            try:
                status = await self._follow(job, process)
            finally:
                del self._processes[job.record.id]
            if status == 0:
                await self._store_result(job)
                return
            if job.record.cancelling:
                await self._finish(job, CANCELLED)
                return
            if self._stopping:
                return
            if (
                why := _reason(job.directory, status)
            ) is not None or job.record.restarts >= self._settings.max_restarts:
                await self._finish(job, FAILED, error=why or _death(status, job.record.restarts))
                return
            metrics.RESTARTS.inc()
            log().warning("training worker died and is started again", job=job.record.id, status=status)
            await job.change(restarts=job.record.restarts + 1)

    async def _follow(self, job: Job, process: Process) -> int:
        ending, kept = asyncio.ensure_future(process.wait()), time.monotonic()
        try:
            while not ending.done():
                await asyncio.wait({ending}, timeout=POLL_S)
                before = len(job.progress.points), job.message().num_steps
                if await job.refresh():
                    _measure(job, *before)
                    if time.monotonic() - kept > _KEEP_S:
                        kept = time.monotonic()
                        job.clock(runs=True)
                        await job.change()
            return await ending
        except asyncio.CancelledError:
            process.release()
            if not (await asyncio.wait({ending}, timeout=_STOP_S))[0]:
                process.kill()
            raise

    async def _store_result(self, job: Job) -> None:
        spec = job.spec()
        archive = job.directory / methods.archive(spec)
        blob, digest = await _patiently(lambda: blobs.store(self._store, archive))
        if methods.name(spec) == "full":
            await self._finish(job, SUCCEEDED, model_blob=blob)
        else:
            await self._finish(job, SUCCEEDED, adapter_blob=blob, adapter_digest=digest)

    async def _finish(self, job: Job, state: str, **fields: str) -> None:
        job.clock(runs=False)
        await job.change(state=state, **fields)
        self._count()
        log().info("training job ended", job=job.record.id, state=state, **fields)

    def _count(self) -> None:
        for state in jobs.STATES:
            metrics.JOBS.labels(state).set(sum(job.record.state == state for job in self._jobs.values()))


def _measure(job: Job, num_points: int, num_steps: int) -> None:
    new = job.progress.points[num_points:]
    if not new:
        return
    metrics.STEPS.inc(max(0, new[-1]["step"] - num_steps))
    metrics.LOSS.set(new[-1]["train_loss"])
    metrics.MEMORY.set(new[-1].get("memory_bytes", 0))
    metrics.MFU.set(new[-1].get("mfu", 0.0))
    metrics.TOKENS.inc(sum(point.get("num_tokens", 0) for point in new))
    for point in new:
        if point["validation_perplexity"]:
            metrics.PERPLEXITY.set(point["validation_perplexity"])


def _plain(spec: pb.TrainingSpec) -> dict[str, Any]:
    names = ("learning_rate", "weight_decay", "batch_size", "max_epochs", "patience", "seed", "max_tokens")
    lora = {"rank": spec.lora.rank, "alpha": spec.lora.alpha, "dropout": spec.lora.dropout}
    return {
        **{name: getattr(spec, name) for name in names},
        **lora,
        "dataset": spec.dataset,
        "method": methods.name(spec),
    }


def _reason(directory: Path, status: int) -> str | None:
    """Why the worker gave up; None when it was killed or stopped, and may be started again."""
    if status < 0 or status == STOPPED:
        return None
    if status == UNWRITABLE:
        return f"the worker cannot write to {directory}; check space and permissions"
    path = directory / "error.json"
    if path.is_file():
        return str(json.loads(path.read_text())["error"])
    lines = (directory / "worker.log").read_text(errors="replace").strip().splitlines()[-1:]
    return f"the worker ended with status {status}: {lines[0] if lines else 'it wrote nothing'}; see worker.log"


def _death(status: int, restarts: int) -> str:
    how = f"was killed by signal {-status}" if status < 0 else "was stopped"
    hint = "; most often that is a lack of memory: lower batch_size or max_tokens" if status == -9 else ""
    return f"the worker {how} {restarts + 1} times{hint}"


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return await call()
        except Unavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(1.0)
