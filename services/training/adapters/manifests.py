"""A training job as an indexed Kubernetes Job, around a pod template that whoever installed the room wrote.

Invariant: the same job gives the same object, so that creating it again finds it; what Kubernetes retries and what it
gives up is read from the worker's exit status alone.
"""

from __future__ import annotations

import copy
from typing import Any

from services.training.ports import STOPPED, UNWRITABLE
from services.training.settings import JobSettings

CONTAINER = "worker"
_PORT = 29500
_QUEUE = "kueue.x-k8s.io/queue-name"


def job(job_id: str, template: dict[str, Any], settings: JobSettings, max_restarts: int) -> dict[str, Any]:
    """The Job of a training job."""
    labels = {"ratchet.training/job": job_id, **({_QUEUE: settings.queue} if settings.queue else {})}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name(job_id, settings),
            "namespace": settings.namespace,
            "labels": {**template.get("metadata", {}).get("labels", {}), **labels},
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": settings.nodes,
            "parallelism": settings.nodes,
            # Kueue starts it when there is room.
            "suspend": bool(settings.queue),
            "backoffLimit": max_restarts,
            "podFailurePolicy": {"rules": _rules()},
            "ttlSecondsAfterFinished": settings.kept_s,
            "template": _pod(job_id, template, settings),
        },
    }


def name(job_id: str, settings: JobSettings) -> str:
    """Of its object."""
    return f"{settings.name}-{job_id}"


def _rules() -> list[dict[str, Any]]:
    return [
        # 1: the input or a number is bad; 2: no such command. Trying again would end the same.
        {"action": "FailJob", "onExitCodes": _exits(1, 2, UNWRITABLE)},
        # A node that goes, a spot instance, a preemption: nobody's fault.
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": _exits(STOPPED)},
    ]


def _exits(*statuses: int) -> dict[str, Any]:
    return {"containerName": CONTAINER, "operator": "In", "values": sorted(statuses)}


def _pod(job_id: str, template: dict[str, Any], settings: JobSettings) -> dict[str, Any]:
    pod = copy.deepcopy(template)
    pod.setdefault("metadata", {}).setdefault("labels", {})["ratchet.training/job"] = job_id
    spec = pod["spec"]
    # What a pod failure policy asks for; the Job makes new pods itself.
    spec["restartPolicy"] = "Never"
    container = next(each for each in spec["containers"] if each["name"] == CONTAINER)
    files = f"{settings.files_url.rstrip('/')}/{job_id}"
    container["command"] = ["python", "-m", "services.training.pod", "--directory", settings.directory]
    container["command"] += ["--files", files, "--every", str(settings.poll_s)]
    container.pop("args", None)
    if settings.nodes > 1:
        # The first pod, by the headless service that the template's subdomain names.
        leader = f"{name(job_id, settings)}-0.{spec['subdomain']}:{_PORT}"
        container["command"] += ["--nodes", str(settings.nodes), "--leader", leader]
    return pod
