"""What an install that cannot work says: the pod's first line, the cluster's own event, or the installer."""

from __future__ import annotations

import json
from typing import Any

import helm_python as helm
import pytest

from tests.cluster.conftest import NAME, NAMESPACE, Release, items, kubectl

pytestmark = pytest.mark.cluster


def pod_of(room: str, **changed: Any) -> str:
    """Name of a pod as the room's are, but for its environment (values or references) and its container's fields."""
    spec = items("deployments", room)[0]["spec"]["template"]["spec"]
    container = spec["containers"][0]
    environment = changed.pop("env")
    container["env"] = [each for each in container["env"] if each["name"] not in environment]
    container["env"] += [{"name": name, **given} for name, given in environment.items()]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle"):
        container.pop(probe, None)
    container.update(changed)
    name = f"mistaken-{room}"
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {**spec, "restartPolicy": "Never"}}
    kubectl("delete", "pod", name, "--ignore-not-found", "--grace-period=1")
    kubectl("apply", "-f", "-", given=json.dumps(pod))
    return name


def first_line(room: str, **env: dict[str, Any]) -> str:
    """Of a pod that ends, since it cannot start."""
    name = pod_of(room, env=env)
    while json.loads(kubectl("get", "pod", name, "-o", "json"))["status"]["phase"] != "Failed":
        continue
    said = kubectl("logs", name).splitlines()[0]
    kubectl("delete", "pod", name, "--grace-period=1")
    return said


def event_of(name: str, reason: str) -> str:
    """The first event of a pod for this reason, when the cluster has made one."""
    while True:
        fields = f"involvedObject.name={name},reason={reason}"
        if found := json.loads(kubectl("get", "events", "--field-selector", fields, "-o", "json"))["items"]:
            kubectl("delete", "pod", name, "--grace-period=1")
            return str(found[0]["message"])


def test_a_wrong_database_password_is_said_first(release: Release) -> None:
    said = first_line("trajectory", PGPASSWORD={"value": "wrong"})
    assert said.startswith("error: the database postgresql+psycopg://ratchet@ratchet-postgresql")
    assert "password authentication failed" in said
    assert "PGPASSWORD" in said


def test_an_object_store_that_does_not_answer_is_said_first(release: Release) -> None:
    said = first_line("trajectory", AWS_ENDPOINT_URL={"value": "http://127.0.0.1:9"})
    assert said.startswith("error: cannot keep blobs in s3://ratchet")
    assert "AWS_ENDPOINT_URL" in said


def test_a_missing_secret_is_named_by_the_cluster(release: Release) -> None:
    name = pod_of("trajectory", env={"PGPASSWORD": {"valueFrom": {"secretKeyRef": {"name": "nobodys", "key": "any"}}}})
    assert 'secret "nobodys" not found' in event_of(name, "Failed")


def test_gpus_that_no_node_has_are_named_by_the_cluster(release: Release) -> None:
    name = pod_of("serving", env={}, resources={"limits": {"nvidia.com/gpu": "1"}})
    assert "Insufficient nvidia.com/gpu" in event_of(name, "FailedScheduling")


def test_a_second_operator_in_a_namespace_is_refused(release: Release) -> None:
    with pytest.raises(helm.HelmError, match=f"release {NAME} of namespace {NAMESPACE} has an operator"):
        release.render("other", {})
    assert release.render("other", {"operator": {"enabled": False}})
