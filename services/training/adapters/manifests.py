"""A training job as an indexed Kubernetes Job, around a pod template that whoever installed the room wrote.

Invariant: the same job gives the same object, so that creating it again finds it; what Kubernetes retries and what it
gives up is read from the worker's exit status alone.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from services.training.ports import STOPPED, UNWRITABLE
from services.training.settings import JobSettings

CONTAINER = "worker"
LABEL = "ratchet.training/job"
_PORT = 29500
_QUEUE = "kueue.x-k8s.io/queue-name"


@dataclass(frozen=True)
class Resource:
    """A kind of object that runs a job's pods: its place in the API, and the label by which its pods name it."""

    kind: str
    group: str
    version: str
    plural: str
    label: str


JOB = Resource("Job", "batch", "v1", "jobs", "batch.kubernetes.io/job-name")


def job(job_id: str, template: dict[str, Any], settings: JobSettings, max_restarts: int) -> dict[str, Any]:
    """The Job of a training job."""
    # The first pod, by the headless service that the template's subdomain names.
    leader = f"{name(job_id, settings)}-0.{template['spec'].get('subdomain')}"
    pod = pods(template, CONTAINER, command(job_id, settings, leader))
    pod.setdefault("metadata", {}).setdefault("labels", {})[LABEL] = job_id
    return {
        "apiVersion": "batch/v1",
        "kind": JOB.kind,
        "metadata": metadata(job_id, template, settings),
        "spec": {
            **job_spec(pod, CONTAINER, settings.nodes, max_restarts),
            # Kueue starts it when there is room.
            "suspend": bool(settings.queue),
            "ttlSecondsAfterFinished": settings.kept_s,
        },
    }


def name(job_id: str, settings: JobSettings) -> str:
    """Of its object."""
    return f"{settings.name}-{job_id}"


def metadata(job_id: str, template: dict[str, Any], settings: JobSettings) -> dict[str, Any]:
    """Of its object."""
    labels = {LABEL: job_id, **({_QUEUE: settings.queue} if settings.queue else {})}
    return {
        "name": name(job_id, settings),
        "namespace": settings.namespace,
        "labels": {**template.get("metadata", {}).get("labels", {}), **labels},
    }


def job_spec(pod: dict[str, Any], container: str, nodes: int, max_restarts: int) -> dict[str, Any]:
    """What every Job has that runs these pods."""
    return {
        "completionMode": "Indexed",
        "completions": nodes,
        "parallelism": nodes,
        "backoffLimit": max_restarts,
        "podFailurePolicy": {"rules": _rules(container)},
        "template": pod,
    }


def _rules(container: str) -> list[dict[str, Any]]:
    def exits(*statuses: int) -> dict[str, Any]:
        return {"containerName": container, "operator": "In", "values": sorted(statuses)}

    return [
        # 1: the input or a number is bad; 2: no such command. Trying again would end the same.
        {"action": "FailJob", "onExitCodes": exits(1, 2, UNWRITABLE)},
        # A node that goes, a spot instance, a preemption: nobody's fault.
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": exits(STOPPED)},
    ]


def pods(template: dict[str, Any], container: str, command: list[str] | None = None) -> dict[str, Any]:
    """The template as a Job wants it, the worker's container named `container`, with its command if there is one."""
    pod = copy.deepcopy(template)
    spec = pod["spec"]
    # What a pod failure policy asks for; the Job makes new pods itself.
    spec["restartPolicy"] = "Never"
    worker = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    worker |= {"name": container, **({"command": command} if command else {})}
    worker.pop("args", None)
    return pod


def command(job_id: str, settings: JobSettings, leader: str) -> list[str]:
    """What a pod runs; `leader` is the first one's host."""
    files = f"{settings.files_url.rstrip('/')}/{job_id}"
    words = ["python", "-m", "services.training.pod", "--directory", settings.directory]
    words += ["--files", files, "--every", str(settings.poll_s)]
    return words + (["--nodes", str(settings.nodes), "--leader", f"{leader}:{_PORT}"] if settings.nodes > 1 else [])
