"""A release from its install to its end: it works, lives through the death of its pods, is upgraded, leaves nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common import rpc
from services.common.errors import DeadlineExceeded, Unavailable
from tests.cluster.conftest import KINDS, NAME, NAMESPACE, Release, forwarded, items, kubectl, selector

pytestmark = pytest.mark.cluster
TRAIN, EVAL, TEMPLATE = 40, 12, 4
# What dies, when the phase has done so many of its episodes.
DEATHS = (
    ("collect", 4, "browser"),
    ("collect", 10, "rollout"),
    ("collect", 16, "orchestrator"),
    ("evaluate", 4, "postgresql"),
    ("evaluate", 8, "orchestrator"),
)
SIZE = (
    *("--train-tasks", str(TRAIN), "--attempts", "1", "--epochs", "1"),
    *("--eval-tasks", str(EVAL), "--template-tasks", str(TEMPLATE), "--max-steps", "12"),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def when_ready(pod: dict) -> datetime:
    return max(
        at(each["lastTransitionTime"])
        for each in pod["status"]["conditions"]
        if each["type"] == "Ready" and each["status"] == "True"
    )


def died() -> dict[str, int]:
    """How often each container has been started again."""
    return {
        each["name"]: each["restartCount"]
        for pod in items("pods")
        for each in pod["status"].get("containerStatuses", [])
        if each["restartCount"]
    }


def test_an_install_is_ready_without_a_restart(release: Release) -> None:
    pods = [pod for pod in items("pods") if pod["status"]["phase"] == "Running"]
    begun = min(at(pod["metadata"]["creationTimestamp"]) for pod in pods)
    took = (max(map(when_ready, pods)) - begun).total_seconds()
    sys.stderr.write(f"\n{len(pods)} pods, all ready {took:.0f} s after the first was made\n")
    assert {pod["metadata"]["labels"]["app.kubernetes.io/component"] for pod in pods} >= {
        *("arena", "browser", "curation", "objects", "operator", "orchestrator", "postgresql", "rollout", "scoring"),
        *("serving", "training", "trajectory"),
    }
    # The stores start beside the rooms that need them.
    assert not set(died()) - {"orchestrator", "trajectory"}


def test_the_charts_own_test_runs_an_iteration(release: Release) -> None:
    sys.stderr.write("\n" + release.test())


async def test_an_iteration_asked_for_from_outside_survives_the_death_of_its_pods(
    release: Release, tmp_path: Path
) -> None:
    async with forwarded("orchestrator") as address:
        command = (sys.executable, "-m", "services.cli", "--home", str(tmp_path / "home"), "--server", address)
        client = await asyncio.create_subprocess_exec(
            *command, "improve", *SIZE, "--no-report", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        said = asyncio.create_task(client.communicate())
        name = await started(address)
        for phase, count, component in DEATHS:
            assert await reached(address, name, phase, count), "it ended before its pods could die"
            kubectl("delete", "pods", "-l", selector(component), "--grace-period=1", "--wait=false")
        words = (await said)[0].decode()
        assert client.returncode == 0, words
        async with rpc.dial(address) as channel:
            ended = (await IterationServiceStub(channel).GetIteration(pb.GetIterationRequest(name=name))).iteration
    assert ended.state == pb.Iteration.STATE_SUCCEEDED, ended.error
    counted = await results(name)
    policies = 3 if ended.candidate_policy else 2
    assert set(counted.values()) == {1}
    assert len(counted) == TRAIN + policies * (EVAL + TEMPLATE) == ended.num_episodes


def test_a_self_improvement_is_carried_out(release: Release) -> None:
    spec = {"numTrainTasks": 4, "numEvalTasks": 2, "numTemplateTasks": 1, "attemptsPerTask": 1, "maxEpochs": 1}
    made = {
        "apiVersion": "ratchet.dev/v1alpha1",
        "kind": "SelfImprovement",
        "metadata": {"name": "tried"},
        "spec": spec,
    }
    kubectl("apply", "-f", "-", given=json.dumps(made | {"spec": spec}))
    kubectl("wait", "selfimprovement/tried", "--for=condition=Ready", "--timeout=10m")
    sys.stderr.write("\n" + kubectl("get", "selfimprovements"))
    status = json.loads(kubectl("get", "selfimprovement", "tried", "-o", "json"))["status"]
    assert status["state"] == "Succeeded"
    assert {score["split"] for score in status["scores"]} == {"heldout-instances", "heldout-templates"}
    kubectl("delete", "selfimprovement", "tried", "--timeout=60s")


async def test_an_upgrade_to_certificates_works_and_a_rollback_keeps_what_was_stored(release: Release) -> None:
    before = await iterations()
    secret = certificates()
    kubectl("apply", "-f", "-", given=json.dumps(secret))
    release.upgrade({"tls": {"enabled": True, "existingSecret": secret["metadata"]["name"]}})
    sys.stderr.write("\n" + release.test())
    release.rollback()
    kubectl("delete", "secret", secret["metadata"]["name"])
    after = await iterations()
    assert len(before) >= 2
    assert len(after) == len(before) + 1
    assert before.items() <= after.items()


def test_what_is_removed_leaves_nothing_behind(release: Release) -> None:
    release.uninstall()
    kubectl("wait", "--for=delete", "pods", "-l", f"app.kubernetes.io/instance={NAME}", "--timeout=120s")
    left = {f"{item['kind']} {item['metadata']['name']}" for item in items(KINDS) + items("selfimprovements")}
    every_namespace_has = ("ServiceAccount default", "ConfigMap kube-root-ca.crt", "Secret default-token-")
    assert not {name for name in left if not name.startswith(every_namespace_has)}, f"left in {NAMESPACE}"


def certificates() -> dict[str, Any]:
    """A Secret with one certificate for all rooms, by the names that they are called."""
    authority = trustme.CA()
    rooms = [item["metadata"]["labels"]["app.kubernetes.io/component"] for item in items("deployments")]
    hosts = [f"{NAME}-{room}.{NAMESPACE}.svc.cluster.local" for room in rooms]
    issued = authority.issue_cert(*rooms, *hosts, common_name="rooms")
    pems = {
        "tls.crt": b"".join(pem.bytes() for pem in issued.cert_chain_pems),
        "tls.key": issued.private_key_pem.bytes(),
        "ca.crt": authority.cert_pem.bytes(),
    }
    given = {file: pem.decode() for file, pem in pems.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "rooms-certificate"}, "stringData": given}


async def started(address: str) -> str:
    """Name of the iteration that runs, as soon as one does."""
    async with rpc.dial(address) as channel:
        while True:
            listed = await IterationServiceStub(channel).ListIterations(pb.ListIterationsRequest())
            for each in listed.iterations:
                if each.state == pb.Iteration.STATE_RUNNING:
                    return str(each.name)
            await asyncio.sleep(0.2)


async def reached(address: str, name: str, phase: str, count: int) -> bool:
    """Waits until the phase has done so many; False when the iteration ended before."""
    async with rpc.dial(address) as channel:
        while True:
            try:
                request = pb.GetIterationRequest(name=name)
                found = (await IterationServiceStub(channel).GetIteration(request, timeout=10)).iteration
            except (Unavailable, DeadlineExceeded):
                await asyncio.sleep(1)
                continue
            if found.state != pb.Iteration.STATE_RUNNING:
                return False
            if any(each.phase == phase and each.num_done >= count for each in found.phases):
                return True
            await asyncio.sleep(0.2)


async def results(name: str) -> Counter[str]:
    """How many results each episode of the iteration has in the store."""
    async with forwarded("trajectory") as address, rpc.dial(address) as channel:
        listed = await TrajectoryServiceStub(channel).ListTrajectories(
            store.ListTrajectoriesRequest(parent=name, state=store.Trajectory.STATE_SUCCEEDED, page_size=500)
        )
    return Counter(trajectory.episode for trajectory in listed.trajectories)


async def iterations() -> dict[str, str]:
    """Every iteration's verdict, by name."""
    async with forwarded("orchestrator") as address, rpc.dial(address) as channel:
        listed = await IterationServiceStub(channel).ListIterations(pb.ListIterationsRequest())
    return {each.name: each.verdict for each in listed.iterations}
