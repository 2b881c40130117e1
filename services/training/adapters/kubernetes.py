"""Workers as Kubernetes Jobs, which outlive the room: the next one takes up those that are there, by name.

Invariant: a job has one object at most. The room's directory is kept as the worker would keep it: progress.jsonl while
it runs, error.json or the result at its end.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from services.common.errors import FailedPrecondition, InvalidArgument, Unavailable
from services.common.telemetry import log
from services.training import jobs
from services.training.adapters import manifests
from services.training.adapters.files import SharedFiles
from services.training.ports import STOPPED
from services.training.settings import JobSettings, TrainingSettings

_CALL_S = 30.0
_TOLD = ("progress.jsonl", "error.json")
_RESULTS = ("adapter.tar", "model.tar")


class JobRefused(FailedPrecondition):
    """The cluster does not take the Job."""

    reason = "JOB_REFUSED"


class _Cluster:
    """Jobs of one namespace. Every method blocks. Raises JobRefused, Unavailable."""

    def __init__(self, namespace: str) -> None:
        own = client.Configuration()
        try:
            if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
                config.load_incluster_config(client_configuration=own)
            else:
                config.load_kube_config(os.environ.get("KUBECONFIG"), client_configuration=own)
        except config.ConfigException as error:
            raise FailedPrecondition(
                f"training.launcher is job, but there is no cluster to talk to: {error}; run in one with a service "
                "account, set KUBECONFIG, or set training.launcher to process"
            ) from error
        own.retries = False
        self._jobs, self._namespace = client.BatchV1Api(client.ApiClient(own)), namespace

    def create(self, body: dict[str, Any]) -> None:
        """Idempotent: one that is there stays as it is."""
        self._call(409, self._jobs.create_namespaced_job, self._namespace, body)

    def read(self, name: str) -> Any:
        """The Job; None where there is none."""
        return self._call(404, self._jobs.read_namespaced_job, name, self._namespace)

    def delete(self, name: str) -> None:
        """With its pods, which get their time to keep a checkpoint. Idempotent."""
        self._call(404, self._jobs.delete_namespaced_job, name, self._namespace, propagation_policy="Background")

    def _call(self, expected: int, call: Any, *arguments: Any, **more: Any) -> Any:
        try:
            return call(*arguments, **more, _request_timeout=_CALL_S)
        except ApiException as error:
            if error.status == expected:
                return None
            if error.status == 429 or error.status >= 500:
                raise Unavailable(f"the cluster's API answers {error.status} {error.reason}; asked again") from error
            raise JobRefused(
                f"the cluster refuses a training Job ({error.status} {error.reason}): {_why(error)}; check the room's "
                "Role (jobs: create, get, delete) and training.job"
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"the cluster's API does not answer: {error}; asked again") from error


def _why(error: ApiException) -> str:
    try:
        return str(json.loads(error.body)["message"])
    except (TypeError, ValueError, KeyError):
        return str(error.body)


class JobProcess:
    """ports.Process over a Job that exists."""

    def __init__(
        self, cluster: _Cluster, name: str, directory: Path, files: SharedFiles, settings: JobSettings
    ) -> None:
        self._cluster, self._name, self._directory, self._files = cluster, name, directory, files
        self._settings = settings
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
            self._cluster.delete(self._name)
        found = self._cluster.read(self._name)
        self._files.pull(self._directory, lambda name: name in _TOLD)
        if found is None:
            return STOPPED if self._stopping else -signal.SIGTERM
        for condition in found.status.conditions or ():
            if condition.status == "True" and condition.type == "Complete":
                self._files.pull(self._directory, lambda name: name in _RESULTS)
                return 0
            if condition.status == "True" and condition.type == "Failed":
                self._explain(condition)
                return 1
        return None

    def _explain(self, condition: Any) -> None:
        path = self._directory / "error.json"
        if not path.exists():
            logs = f"kubectl -n {self._settings.namespace} logs -l batch.kubernetes.io/job-name={self._name}"
            jobs.write(path, {"error": f"the Job {self._name} failed: {condition.message}; see {logs}"})


class JobLauncher:
    """ports.Launcher: a Job around the installation's pod template."""

    def __init__(self, settings: TrainingSettings) -> None:
        """Raises InvalidArgument, FailedPrecondition."""
        self._settings, self._job = settings, settings.job
        self._template = _template(self._job)
        self._cluster = _Cluster(self._job.namespace)

    async def start(self, directory: Path) -> JobProcess:
        """Create the job's Job, or take up the one that is there. Raises JobRefused, Unavailable."""
        job_id = directory.name
        files = SharedFiles(f"{self._job.files_url.rstrip('/')}/{job_id}")
        (directory / "error.json").unlink(missing_ok=True)
        await asyncio.to_thread(files.push, directory, _is_input)
        body = manifests.job(job_id, self._template, self._job, self._settings.max_restarts)
        await asyncio.to_thread(self._cluster.create, body)
        return JobProcess(self._cluster, body["metadata"]["name"], directory, files, self._job)


def _is_input(name: str) -> bool:
    return name in ("spec.json", "dataset.parquet") or name.startswith("initial/")


def _template(settings: JobSettings) -> dict[str, Any]:
    if settings.template is None or not settings.files_url:
        raise InvalidArgument("training.launcher is job: set training.job.template and training.job.files_url")
    try:
        found: dict[str, Any] = json.loads(settings.template.read_text())
        names = [each["name"] for each in found["spec"]["containers"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidArgument(
            f"training.job.template {settings.template} is no pod template in JSON: {error}"
        ) from error
    if manifests.CONTAINER not in names:
        raise InvalidArgument(f"{settings.template} has no container named {manifests.CONTAINER}, only {names}")
    if settings.nodes > 1 and "subdomain" not in found["spec"]:
        raise InvalidArgument(
            f"training.job.nodes is {settings.nodes}, and {settings.template} has no subdomain: name a headless Service"
        )
    return found
