"""Jobs on disk: a directory each, with a record that is replaced as a whole.

Invariant: what the room knows about a job can be read again from its directory, whenever the room dies.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format

from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import FailedPrecondition
from services.training import methods

PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED = "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
STATES = (PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED)
_RECORD = "job.json"


@dataclass
class Record:
    """What `job.json` holds. Times are seconds since the epoch."""

    id: str
    request_id: str
    spec: dict[str, Any]
    create_time: float
    state: str = PENDING
    # Seconds of earlier lives of the room.
    elapsed_s: float = 0.0
    restarts: int = 0
    cancelling: bool = False
    adapter_blob: str = ""
    adapter_digest: str = ""
    model_blob: str = ""
    error: str = ""


@dataclass
class Progress:
    """What the worker reported."""

    total_steps: int = 0
    initial_validation_perplexity: float = 0.0
    points: list[dict[str, Any]] = field(default_factory=list)


class Job:
    """One job: its record, its directory, and a signal for those who watch it."""

    def __init__(self, directory: Path, record: Record) -> None:
        self.directory = directory
        self.record = record
        self.progress = Progress()
        self._stamp: tuple[int, int] | None = None
        self._started: float | None = None
        self._version = 0
        self._changed = asyncio.Condition()
        self._keeping = asyncio.Lock()

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.record.state in (SUCCEEDED, FAILED, CANCELLED)

    def clock(self, *, runs: bool) -> None:
        """Start or stop counting the job's seconds."""
        if self._started is not None:
            self.record.elapsed_s += time.monotonic() - self._started
        self._started = time.monotonic() if runs else None

    async def change(self, **fields: Any) -> None:
        """Set fields of the record, keep it, and tell the watchers. Raises FailedPrecondition when the disk refuses."""
        for name, value in fields.items():
            setattr(self.record, name, value)
        # Whole even if the caller is cancelled: a write that goes on alone could overtake the next.
        try:
            await asyncio.shield(self._keep())
        finally:
            await self._tell()

    async def _keep(self) -> None:
        async with self._keeping:
            await asyncio.to_thread(write, self.directory / _RECORD, asdict(self.record))

    async def refresh(self) -> bool:
        """Read what the worker reported since; True when there was something new."""
        path = self.directory / "progress.jsonl"
        try:
            status = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        if (stamp := (status.st_mtime_ns, status.st_size)) == self._stamp:
            return False
        self._stamp = stamp
        self.progress = await asyncio.to_thread(_read_progress, path)
        await self._tell()
        return True

    async def _tell(self) -> None:
        async with self._changed:
            self._version += 1
            self._changed.notify_all()

    async def next(self, version: int) -> int:
        """Wait until the job's version is another than this; returns it."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._version != version)
            return self._version

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._version

    def spec(self) -> pb.TrainingSpec:
        """The completed specification."""
        return json_format.ParseDict(self.record.spec, pb.TrainingSpec())

    def message(self) -> pb.TrainingJob:
        """The job on the wire."""
        record, points = self.record, self.progress.points
        perplexities = [point["validation_perplexity"] for point in points if point["validation_perplexity"]]
        job = pb.TrainingJob(
            name=f"trainingJobs/{record.id}",
            state=pb.TrainingJob.State.Value(f"STATE_{record.state}"),
            spec=self.spec(),
            num_steps=points[-1]["step"] if points else 0,
            total_steps=self.progress.total_steps,
            points=[pb.TrainingPoint(**point) for point in points],
            adapter_blob=record.adapter_blob,
            adapter_digest=record.adapter_digest,
            best_validation_perplexity=min(perplexities, default=0.0),
            initial_validation_perplexity=self.progress.initial_validation_perplexity,
            model_blob=record.model_blob,
            note=methods.note(self.spec()) if record.state == SUCCEEDED else "",
            error=record.error,
            elapsed_s=record.elapsed_s + (time.monotonic() - self._started if self._started is not None else 0.0),
        )
        job.create_time.FromNanoseconds(int(record.create_time * 1e9))
        return job


def read(directory: Path) -> Job | None:
    """The job of a directory; None where its record was never written."""
    path = directory / _RECORD
    if not path.is_file():
        return None
    job = Job(directory, Record(**json.loads(path.read_text())))
    progress = directory / "progress.jsonl"
    if progress.is_file():
        job.progress = _read_progress(progress)
    return job


def write(path: Path, content: Any) -> None:
    """Replace a JSON file as a whole. Raises FailedPrecondition when the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".new")
        with scratch.open("w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        raise FailedPrecondition(f"cannot write {path}: {error.strerror}; check space and permissions") from error


def _read_progress(path: Path) -> Progress:
    progress = Progress()
    for line in path.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):  # being written
            break
        entry = json.loads(line)
        if "total_steps" in entry:
            progress = Progress(entry["total_steps"], entry["initial_validation_perplexity"])
        else:
            progress.points.append(entry)
    return progress
