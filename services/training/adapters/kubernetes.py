"""Workers as Kubernetes Jobs or TrainJobs, which outlive the room: the next one takes up those that are there, by name.

Invariant: a job has one such object at most. The room's directory is kept as the worker would keep it: progress.jsonl
while it runs, error.json or the result at its end.
"""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from services.common.errors import InvalidArgument, Unavailable
from services.common.telemetry import log
from services.training import jobs
from services.training.adapters import kubeflow, manifests
from services.training.adapters.cluster import Cluster
from services.training.adapters.files import SharedFiles
from services.training.adapters.manifests import Resource
from services.training.ports import STOPPED
from services.training.settings import JobSettings, TrainingSettings

_TOLD = ("progress.jsonl", "error.json")
_RESULTS = ("adapter.tar", "model.tar")


def _ending(found: dict[str, Any]) -> dict[str, Any] | None:
    """The condition by which an object is over."""
    for condition in found.get("status", {}).get("conditions", ()):
        if condition["status"] == "True" and condition["type"] in ("Complete", "Failed"):
            ended: dict[str, Any] = condition
            return ended
    return None


class JobProcess:
    """ports.Process over an object that exists."""

    def __init__(
        self, cluster: Cluster, kind: Resource, name: str, directory: Path, files: SharedFiles, settings: JobSettings
    ) -> None:
        self._cluster, self._kind, self._name = cluster, kind, name
        self._directory, self._files, self._settings = directory, files, settings
        self._stopping = self._released = False
        self._nudged = asyncio.Event()
        self._ended = asyncio.create_task(self._follow(), name=f"job {name}")

    async def wait(self) -> int:
        """0, 1 with the reason in error.json, STOPPED, or -15 where someone else removed the Job."""
        return await asyncio.shield(self._ended)

    def stop(self) -> None:
        """Remove the Job; its pods keep their checkpoint."""
        self._stopping = True
        self._nudged.set()

    kill = stop

    def release(self) -> None:
        """Follow it no longer; it goes on."""
        self._released = True
        self._nudged.set()

    async def _follow(self) -> int:
        while not self._released:
            try:
                if (status := await asyncio.to_thread(self._look)) is not None:
                    return status
            except Unavailable as error:
                log().warning("training job not seen for now", job=self._name, why=error.message)
            try:
                async with asyncio.timeout(self._settings.poll_s):
                    await self._nudged.wait()
            except TimeoutError:
                continue
            self._nudged.clear()
        return STOPPED

    def _look(self) -> int | None:
        """The exit status, once there is one."""
        if self._stopping:
            self._cluster.delete(self._kind, self._name)
        found = self._cluster.read(self._kind, self._name)
        self._files.pull(self._directory, lambda name: name in _TOLD)
        if found is None:
            return STOPPED if self._stopping else -signal.SIGTERM
        if (ending := _ending(found)) is None:
            return None
        if ending["type"] == "Complete":
            self._files.pull(self._directory, lambda name: name in _RESULTS)
            return 0
        self._explain(ending.get("message", ""))
        return 1

    def _explain(self, message: str) -> None:
        path = self._directory / "error.json"
        if not path.exists():
            logs = f"kubectl -n {self._settings.namespace} logs -l {self._kind.label}={self._name}"
            jobs.write(path, {"error": f"the {self._kind.kind} {self._name} failed: {message}; see {logs}"})


class JobLauncher:
    """ports.Launcher: Jobs, or TrainJobs and their runtime, around the installation's pod template."""

    def __init__(self, settings: TrainingSettings) -> None:
        """Raises InvalidArgument, FailedPrecondition."""
        self._settings, self._job = settings, settings.job
        self._template = _template(settings)
        self._cluster = Cluster(self._job.namespace)

    async def start(self, directory: Path) -> JobProcess:
        """Create the job's object, or take up the one that is there. Raises JobRefused, Unavailable."""
        job_id = directory.name
        files = SharedFiles(f"{self._job.files_url.rstrip('/')}/{job_id}")
        (directory / "error.json").unlink(missing_ok=True)
        await asyncio.to_thread(files.push, directory, _is_input)
        kind, name = await asyncio.to_thread(self._create, job_id)
        return JobProcess(self._cluster, kind, name, directory, files, self._job)

    def _create(self, job_id: str) -> tuple[Resource, str]:
        retries = self._settings.max_restarts
        if self._settings.launcher == "job":
            kind, body = manifests.JOB, manifests.job(job_id, self._template, self._job, retries)
        else:
            self._sweep()
            runtime = kubeflow.runtime(self._template, self._job, retries)
            self._cluster.create(kubeflow.RUNTIME, runtime)
            name = runtime["metadata"]["name"]
            kind, body = kubeflow.TRAIN_JOB, kubeflow.train_job(job_id, self._template, self._job, name)
        self._cluster.create(kind, body)
        return kind, body["metadata"]["name"]

    def _sweep(self) -> None:
        """Remove TrainJobs that ended long ago: no one else does."""
        until = datetime.now(UTC) - timedelta(seconds=self._job.kept_s)
        for found in self._cluster.labelled(kubeflow.TRAIN_JOB, manifests.LABEL):
            name, ending = found["metadata"]["name"], _ending(found)
            # Another installation's names may begin with this one's.
            own = name == manifests.name(found["metadata"]["labels"][manifests.LABEL], self._job)
            if own and ending and datetime.fromisoformat(ending["lastTransitionTime"]) < until:
                self._cluster.delete(kubeflow.TRAIN_JOB, name)


def _is_input(name: str) -> bool:
    return name in ("spec.json", "dataset.parquet") or name.startswith("initial/")


def _template(wanted: TrainingSettings) -> dict[str, Any]:
    settings = wanted.job
    if settings.template is None or not settings.files_url:
        raise InvalidArgument(
            f"training.launcher is {wanted.launcher}: set training.job.template and training.job.files_url"
        )
    try:
        found: dict[str, Any] = json.loads(settings.template.read_text())
        names = [each["name"] for each in found["spec"]["containers"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArgument(
            f"training.job.template {settings.template} is no pod template in JSON: {error}"
        ) from error
    if manifests.CONTAINER not in names:
        raise InvalidArgument(f"{settings.template} has no container named {manifests.CONTAINER}, only {names}")
    if wanted.launcher == "job" and settings.nodes > 1 and "subdomain" not in found["spec"]:
        raise InvalidArgument(
            f"training.job.nodes is {settings.nodes}, and {settings.template} has no subdomain: name a headless Service"
        )
    return found
