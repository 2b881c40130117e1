"""A policy checker of others' making finds nothing in any profile but what is decided otherwise here, and why."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.conftest import PROFILES, objects, pod_of

# It brings a hundred packages, some against the lock: `uv tool run` keeps them in an environment of their own.
_CHECKOV = ("tool", "run", "--from", "checkov==3.3.30", "checkov")
# Decided otherwise, for every object.
_DECIDED = {
    "CKV_K8S_11": "a CPU limit stalls a room for nothing; requests share the cores",
    "CKV_K8S_15": "tags are versions, and a node without its registry still starts pods",
    "CKV_K8S_43": "digests are the installer's to give: image.tag takes no digest of five images",
    "CKV_K8S_35": "libpq and the object store's client read passwords from the environment",
}
# ... and for these: (check, component).
_DECIDED_FOR = {
    ("CKV_K8S_8", "client"): "a test ends by itself",
    ("CKV_K8S_9", "client"): "a test serves nothing",
    ("CKV_K8S_40", "postgresql"): "the upstream image's user is 999",
}


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """Check, component and its words, of all that failed in any profile."""
    directory = tmp_path_factory.mktemp("manifests")
    for name in PROFILES:
        (directory / f"{name}.yaml").write_text(yaml.safe_dump_all(plain(item) for item in objects(name)))
    uv = shutil.which("uv")
    assert uv, "uv is not on the PATH; run make setup"
    command = (uv, *_CHECKOV, "--framework", "kubernetes", "-d", str(directory), "-o", "json", "--quiet", "--compact")
    done = subprocess.run([*command, "--skip-download"], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), f"checkov did not run: {done.stderr[-2000:]}"
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000
    return [
        (check["check_id"], component(check["resource"]), f"{check['check_name']} ({Path(check['file_path']).name})")
        for check in report["results"]["failed_checks"]
    ]


def plain(item: dict[str, Any]) -> dict[str, Any]:
    """The object, or for one that wraps a pod in a way that the checker does not know, that pod."""
    pod = pod_of(item) if item["kind"] == "InferenceService" else None
    if pod is None:
        return item
    known = {key: value for key, value in pod["spec"].items() if key not in ("minReplicas", "maxReplicas")}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": item["metadata"], "spec": known}


def component(resource: str) -> str:
    """Of "Deployment.prod.demo-ratchet-arena"."""
    name = resource.split(".")[2]
    return "client" if "-test-" in name else name.rsplit("-", 1)[-1]


def test_no_profile_has_a_finding_that_is_not_decided(failed: list[tuple[str, str, str]]) -> None:
    assert [found for found in failed if found[0] not in _DECIDED and (found[0], found[1]) not in _DECIDED_FOR] == []


def test_no_decision_outlives_its_finding(failed: list[tuple[str, str, str]]) -> None:
    assert set(_DECIDED) <= {check for check, _, _ in failed}
    assert set(_DECIDED_FOR) <= {(check, name) for check, name, _ in failed}


@pytest.mark.parametrize("name", PROFILES)
def test_every_pod_is_fit_for_the_restricted_standard(name: str) -> None:
    bound = [item for item in objects(name) if item["kind"] == "RoleBinding"]
    asking = {subject["name"] for item in bound for subject in item["subjects"]}
    for item in objects(name):
        if (pod := pod_of(item)) is None:
            continue
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["securityContext"]["runAsUser"] > 0
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        kinds = {"emptyDir", "configMap", "secret", "persistentVolumeClaim"}
        assert [one["name"] for one in spec["volumes"] if not kinds & set(one)] == (
            ["cluster"] if spec.get("serviceAccountName") in asking else []
        )
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            allowed = container["securityContext"]
            assert allowed["capabilities"] == {"drop": ["ALL"]}
            assert allowed["runAsNonRoot"]
            assert allowed["readOnlyRootFilesystem"]
            assert allowed["allowPrivilegeEscalation"] is False
            assert container["resources"]["limits"]["memory"]
