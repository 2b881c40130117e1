"""The part of a Kubernetes cluster that a training job meets: calls of the API, and the controllers of its pods.

It is no Kubernetes: pods are processes of this machine that run the container's own command, and of a Job it knows
what the room asks for (indexes, podFailurePolicy, backoffLimit, suspend, removal), of a TrainJob how it becomes one by
its runtime. Objects are checked against what is published of 1.33 and of Kubeflow Trainer, unknown fields included.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import kubernetes_validate
from kubeflow_trainer_api import models

from tests.contract.api_server import ApiHandler, ApiServer


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Pods:
    """The pods of one Job, each index run by a thread until it succeeded or the Job is over."""

    body: dict[str, Any]
    # What was asked for, where it was not the Job itself.
    asked: dict[str, Any]
    running: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    conditions: list[dict[str, Any]] = field(default_factory=list)
    succeeded: set[int] = field(default_factory=set)
    num_failed: int = 0
    num_started: int = 0
    over: bool = False
    port: int = field(default_factory=_free_port)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        for index in range(self.body["spec"]["completions"]):
            threading.Thread(target=self._run, args=(index,), daemon=True).start()

    def _run(self, index: int) -> None:
        (container,) = self.body["spec"]["template"]["spec"]["containers"]
        python, *rest = container["command"]
        assert python == "python"
        if "--leader" in rest:
            # What the cluster's DNS does.
            rest[rest.index("--leader") + 1] = f"127.0.0.1:{self.port}"
        while not self.over:
            environment = {**os.environ, **{each["name"]: each["value"] for each in container.get("env", [])}}
            environment["JOB_COMPLETION_INDEX"] = str(index)
            with self.changed:
                directory = rest[rest.index("--directory") + 1]
                # A new pod has a new volume.
                own = [part if part != directory else f"{directory}-{index}-{self.num_started}" for part in rest]
                process = subprocess.Popen([sys.executable, *own], env=environment, stdin=subprocess.DEVNULL)
                self.running[index] = process
                self.num_started += 1
                self.changed.notify_all()
            self._ended(index, process.wait())

    def _ended(self, index: int, status: int) -> None:
        status = status if status >= 0 else 128 - status
        with self.changed:
            self.statuses.append(status)
            action = "Succeed" if status == 0 else self._action(status)
            if action == "Succeed":
                self.succeeded.add(index)
                if len(self.succeeded) == self.body["spec"]["completions"]:
                    self._conclude("Complete", "")
            elif action == "FailJob":
                self._conclude("Failed", f"Container worker failed with exit code {status} matching FailJob rule")
            elif action == "Count":
                self.num_failed += 1
                if self.num_failed > self.body["spec"]["backoffLimit"]:
                    self._conclude("Failed", "Job has reached the specified backoff limit")
            self.changed.notify_all()
        if action == "Succeed":
            with self.changed:
                self.changed.wait_for(lambda: self.over)

    def _action(self, status: int) -> str:
        for rule in self.body["spec"]["podFailurePolicy"]["rules"]:
            if status in rule.get("onExitCodes", {}).get("values", ()):
                return str(rule["action"])
        return "Count"

    def _conclude(self, kind: str, message: str) -> None:
        if not self.over:
            self.conditions.append({"type": kind, "status": "True", "message": message, "lastTransitionTime": _now()})
        self.end()

    def end(self) -> None:
        """Take every pod away, in time to keep what it has."""
        self.over = True
        for process in self.running.values():
            process.terminate()

    def disrupt(self, index: int, number: int = signal.SIGTERM) -> None:
        """What a node's drain does to a pod, or with SIGKILL its loss."""
        self.running[index].send_signal(number)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Cluster(ApiServer):
    """Serves Jobs and TrainJobs of every namespace while it is open."""

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.jobs: dict[str, Pods] = {}
        self.runtimes: dict[str, dict[str, Any]] = {}
        self.refused = ""
        self.start()

    def close(self) -> None:
        for pods in self.jobs.values():
            pods.end()
            for process in pods.running.values():
                process.kill()
                process.wait()
        super().close()


def check(body: dict[str, Any]) -> None:
    """Raises where the API of the object's kind would."""
    if body["kind"] in ("TrainJob", "TrainingRuntime"):
        model = getattr(models, f"TrainerV1alpha1{body['kind']}")
        # It drops a field that it does not know, and adds defaults.
        assert _is_kept(body, model.from_dict(copy.deepcopy(body)).to_dict())
    else:
        kubernetes_validate.validate(body, "1.33", strict=True)


def _is_kept(given: Any, told: Any) -> bool:
    if isinstance(given, dict):
        return all(key in told and _is_kept(value, told[key]) for key, value in given.items())
    if isinstance(given, list):
        return all(_is_kept(*pair) for pair in zip(given, told, strict=True))
    return bool(given == told)


def job_of(asked: dict[str, Any], runtime: dict[str, Any]) -> dict[str, Any]:
    """The Job that the TrainJob's controller makes, through a JobSet of its name, of the step called trainer."""
    (step,) = copy.deepcopy(runtime["spec"]["template"]["spec"]["replicatedJobs"])
    assert step["template"]["metadata"]["labels"] == {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}
    spec, trainer = step["template"]["spec"], asked["spec"]["trainer"]
    (container,) = [each for each in spec["template"]["spec"]["containers"] if each["name"] == "node"]
    container["command"] = trainer["command"]
    spec["completions"] = spec["parallelism"] = trainer["numNodes"]
    metadata = {"name": f"{asked['metadata']['name']}-{step['name']}-0", "namespace": asked["metadata"]["namespace"]}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    check(job)
    return job


class _Handler(ApiHandler):
    server: Cluster

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        check(body)
        name = body["metadata"]["name"]
        if self.server.refused:
            return self._answer(403, {"kind": "Status", "message": self.server.refused, "code": 403})
        known = self.server.runtimes if body["kind"] == "TrainingRuntime" else self.server.jobs
        if name in known:
            return self._answer(409, {"kind": "Status", "message": f'"{name}" already exists', "code": 409})
        if body["kind"] == "TrainingRuntime":
            self.server.runtimes[name] = body
            return self._answer(201, body)
        job = body if body["kind"] == "Job" else job_of(body, self.server.runtimes[body["spec"]["runtimeRef"]["name"]])
        pods = self.server.jobs[name] = Pods(job, body)
        if not body["spec"]["suspend"]:
            pods.start()
        return self._answer(201, self._job(name))

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        if name in ("jobs", "trainjobs"):
            return self._answer(200, {"items": [self._job(each) for each in self.server.jobs]})
        found = name in self.server.jobs
        return self._answer(200 if found else 404, self._job(name) if found else {"kind": "Status", "code": 404})

    def do_DELETE(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        pods = self.server.jobs.pop(name, None)
        if pods is not None:
            pods.end()
        self._answer(200 if pods else 404, {"kind": "Status", "code": 200 if pods else 404})

    def _job(self, name: str) -> dict[str, Any]:
        pods = self.server.jobs[name]
        return {**pods.asked, "status": {"conditions": list(pods.conditions), "active": len(pods.running)}}
