"""A training job as a TrainJob of Kubeflow Trainer (v2), on a TrainingRuntime made of the same pod template.

Invariant: a runtime is named by what is in it, so it is made once and never changed under a job that runs by it.
Source: trainer.kubeflow.org/v1alpha1; the trainer's container is the one called "node", and pods find each other under
the JobSet's own service.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from services.training.adapters import manifests
from services.training.adapters.manifests import Resource
from services.training.settings import JobSettings

_GROUP, _VERSION = "trainer.kubeflow.org", "v1alpha1"
_API = f"{_GROUP}/{_VERSION}"
_NODE = "node"
TRAIN_JOB = Resource("TrainJob", _GROUP, _VERSION, "trainjobs", "jobset.sigs.k8s.io/jobset-name")
RUNTIME = Resource("TrainingRuntime", _GROUP, _VERSION, "trainingruntimes", "")


def runtime(template: dict[str, Any], settings: JobSettings, max_restarts: int) -> dict[str, Any]:
    """The TrainingRuntime of an installation's jobs."""
    pod = manifests.pods(template, _NODE)
    # The JobSet gives the pods a service of its own.
    pod["spec"].pop("subdomain", None)
    # The controller fills in how many, from the TrainJob.
    job = manifests.job_spec(pod, _NODE, 1, max_restarts)
    step = {"metadata": {"labels": {f"{_GROUP}/trainjob-ancestor-step": "trainer"}}, "spec": job}
    spec = {"mlPolicy": {"numNodes": 1}, "template": {"spec": {"replicatedJobs": [{"name": _NODE, "template": step}]}}}
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:10]
    labels = {**template.get("metadata", {}).get("labels", {}), f"{_GROUP}/framework": "torch"}
    return {
        "apiVersion": _API,
        "kind": RUNTIME.kind,
        "metadata": {"name": f"{settings.name}-{digest}", "namespace": settings.namespace, "labels": labels},
        "spec": spec,
    }


def train_job(job_id: str, template: dict[str, Any], settings: JobSettings, runtime: str) -> dict[str, Any]:
    """The TrainJob of a training job."""
    name = manifests.name(job_id, settings)
    command = manifests.command(job_id, settings, leader=f"{name}-{_NODE}-0-0.{name}")
    return {
        "apiVersion": _API,
        "kind": TRAIN_JOB.kind,
        "metadata": manifests.metadata(job_id, template, settings),
        "spec": {
            "runtimeRef": {"apiGroup": _GROUP, "kind": RUNTIME.kind, "name": runtime},
            "trainer": {"command": command, "numNodes": settings.nodes},
            "suspend": bool(settings.queue),
        },
    }
