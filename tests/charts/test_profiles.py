"""Every profile lints, renders to valid objects, and configures the rooms in words that their settings know."""

from __future__ import annotations

import importlib
import json
import tomllib
from pathlib import Path
from typing import Any

import helm_python as helm
import jsonschema
import kubernetes_validate
import pytest

from services.common.addresses import ROOMS
from services.common.settings import load
from services.host.catalog import BESIDE
from services.host.settings import HostSettings
from services.serving.settings import ServingSettings
from services.training.adapters import kubeflow, manifests
from services.training.settings import TrainingSettings
from tests.charts.conftest import CHART, merged, objects, pod_of, rendered, values
from tests.contract.training.cluster import check, job_of

_CUSTOM = json.loads((Path(__file__).parent / "custom_resources.json").read_text())
# What KServe's predictor has beside the fields of a pod.
_PREDICTOR = {"minReplicas", "maxReplicas", "labels", "annotations"}
_LAPTOP_CPU, _LAPTOP_BYTES = 1.5, 4 * 1024**3


def test_the_chart_lints(profile: str) -> None:
    found = helm.lint(str(CHART), values(profile), strict=True)
    # Severity 1 is advice: the chart has no icon.
    assert [message for message in found["messages"] if message["severity"] > 1] == []
    assert found["errors"] == []


def test_every_object_is_what_kubernetes_takes(profile: str) -> None:
    for item in objects(profile):
        kind = f"{item['apiVersion']} {item['kind']}"
        if kind in _CUSTOM:
            jsonschema.validate(item["spec"], _CUSTOM[kind])
        else:
            kubernetes_validate.validate(item, "1.33", strict=True)
        if item["kind"] == "InferenceService":
            predictor = item["spec"]["predictor"]
            spec = {key: value for key, value in predictor.items() if key not in _PREDICTOR}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "predictor"}, "spec": spec}
            kubernetes_validate.validate(pod, "1.33", strict=True)


def test_every_gate_has_a_profile_that_opens_it() -> None:
    kinds = {f"{item['apiVersion']} {item['kind']}" for name in ("everything", "kserve") for item in objects(name)}
    rules = any((CHART / "rules").glob("*.yaml"))
    assert set(_CUSTOM) - kinds == (set() if rules else {"monitoring.coreos.com/v1 PrometheusRule"})


def test_no_two_objects_share_a_name_and_none_leaves_the_namespace(profile: str) -> None:
    names = [(item["kind"], item["metadata"]["name"]) for item in objects(profile)]
    assert len(names) == len(set(names))
    assert {item["metadata"]["namespace"] for item in objects(profile)} == {"prod"}


def test_operator_and_training_alone_may_ask_the_cluster_and_only_for_what_is_theirs(profile: str) -> None:
    own = {
        "operator": {
            *(("ratchet.dev", "selfimprovements", verb) for verb in ("get", "list", "watch", "patch")),
            ("ratchet.dev", "selfimprovements/status", "patch"),
            ("", "events", "create"),
        },
        "training": {("batch", "jobs", verb) for verb in ("create", "get", "delete")},
    }
    asking = ["operator", *(["training"] if values(profile).get("training", {}).get("launcher") == "job" else [])]
    objects_ = [item for item in objects(profile) if item["apiVersion"].startswith("rbac.")]
    found = {(item["metadata"]["labels"]["app.kubernetes.io/component"], item["kind"]): item for item in objects_}
    assert set(found) == {(name, kind) for name in asking for kind in ("Role", "RoleBinding")}
    assert len(objects_) == len(found)
    subjects = set()
    for name in asking:
        role, binding = found[name, "Role"], found[name, "RoleBinding"]
        may = {(group, what, verb) for rule in role["rules"] for group in rule["apiGroups"]
               for what in rule["resources"] for verb in rule["verbs"]}  # fmt: skip
        assert may == own[name]
        (subject,) = binding["subjects"]
        assert subject["namespace"] == "prod"
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        subjects.add(subject["name"])
    tokens = {
        pod["spec"]["serviceAccountName"]: source["serviceAccountToken"]
        for item in objects(profile)
        if (pod := pod_of(item))
        for volume in pod["spec"]["volumes"]
        for source in volume.get("projected", {}).get("sources", [])
        if "serviceAccountToken" in source
    }
    assert set(tokens) == subjects


def test_a_release_without_an_operator_asks_nothing_of_the_cluster() -> None:
    found = rendered(merged(values("laptop"), {"operator": {"enabled": False}}))
    assert not [item for item in found if item["apiVersion"].startswith("rbac.")]
    assert not [item for item in found if "operator" in item["metadata"]["name"]]


@pytest.mark.parametrize("room", [*ROOMS, *BESIDE])
def test_a_rooms_configuration_is_one_that_the_room_takes(profile: str, room: str, monkeypatch) -> None:
    tables = configuration(profile, room)
    assert set(tables) <= {"host", room}, "a room is told its own settings only"
    for name in tables:
        prefix = "Host" if name == "host" else name.capitalize()
        module = importlib.import_module(f"services.{name}.settings")
        settings = load(getattr(module, f"{prefix}Settings"), tables[name])
        assert all(getattr(settings, key) is not None for key in tables[name])


def test_every_environment_variable_is_a_setting_that_a_room_knows(profile: str) -> None:
    for item in objects(profile):
        if (pod := pod_of(item)) is None:
            continue
        for variable in pod["spec"]["containers"][0]["env"]:
            if "__" not in variable["name"] or variable["name"].startswith("RATCHET_TLS__"):
                continue
            room, _, field = variable["name"].removeprefix("RATCHET_").lower().partition("__")
            module = importlib.import_module(f"services.{room}.settings")
            assert field in getattr(module, f"{room.capitalize()}Settings").model_fields, variable["name"]


def test_kserve_leads_to_the_protocol_that_the_room_speaks_under_the_services_name() -> None:
    (found,) = [item for item in objects("kserve") if item["kind"] == "InferenceService"]
    (container,) = found["spec"]["predictor"]["containers"]
    own = load(ServingSettings, configuration("kserve", "serving")["serving"])
    assert own.v2_listen == f"0.0.0.0:{container['ports'][0]['containerPort']}"
    assert own.v2_name == found["metadata"]["name"]
    (deployed,) = [each for each in container["env"] if each["name"] == "RATCHET_SERVING__DEPLOYED"]
    assert deployed["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.annotations['ratchet.dev/deployed']"
    assert not configuration("gpu", "serving")["serving"].keys() & {"v2_listen", "v2_name"}


def test_training_makes_jobs_that_kubernetes_takes_of_the_charts_template() -> None:
    settings = load(TrainingSettings, configuration("everything", "training")["training"])
    (chart,) = [item for item in objects("everything") if "worker.json" in item.get("data", {})]
    template = json.loads(chart["data"]["worker.json"])
    made = manifests.job("m83zxgn8xshf3", template, settings.job, settings.max_restarts)
    kubernetes_validate.validate(made, "1.33", strict=True)
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    assert any(mount["mountPath"] in settings.job.directory for mount in container["volumeMounts"])
    (service,) = [
        item
        for item in objects("everything")
        if item["kind"] == "Service" and item["metadata"]["name"] == pod["subdomain"]
    ]
    labels = made["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert (
        container["command"][-1]
        == f"{made['metadata']['name']}-0.{pod['subdomain']}:{service['spec']['ports'][0]['port']}"
    )
    secret = {each["name"]: each.get("valueFrom", {}).get("secretKeyRef", {}).get("name") for each in container["env"]}
    assert secret["AWS_SECRET_ACCESS_KEY"] == "ratchet-objects"
    assert not [each for each in pod["volumes"] if "secret" in each], "it calls no room, and holds no certificate"


def test_training_makes_train_jobs_that_kubeflow_takes_and_the_room_may_make() -> None:
    given = merged(values("everything"), {"training": {"launcher": "trainjob"}})
    found = rendered(given)
    (chart,) = [item for item in found if "worker.json" in item.get("data", {})]
    settings = load(TrainingSettings, tomllib.loads(chart["data"]["config.toml"])["training"])
    assert settings.launcher == "trainjob"
    template = json.loads(chart["data"]["worker.json"])
    runtime = kubeflow.runtime(template, settings.job, settings.max_restarts)
    asked = kubeflow.train_job("m83zxgn8xshf3", template, settings.job, runtime["metadata"]["name"])
    check(runtime)
    check(asked)
    (container,) = job_of(asked, runtime)["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "8"
    (role,) = [item for item in found if item["kind"] == "Role" and item["metadata"]["name"].endswith("-training")]
    assert {(what, verb) for rule in role["rules"] for what in rule["resources"] for verb in rule["verbs"]} == {
        *(("trainjobs", verb) for verb in ("create", "get", "list", "delete")),
        ("trainingruntimes", "create"),
    }


def test_rooms_find_each_other_under_the_services_that_are_there(profile: str) -> None:
    services = {item["metadata"]["name"]: item["spec"] for item in objects(profile) if item["kind"] == "Service"}
    for room in (*ROOMS, *BESIDE):
        for called, address in load(HostSettings, configuration(profile, room)["host"]).addresses.items():
            host, port = address.split(":")
            service = services[host.split(".")[0]]
            assert service["selector"]["app.kubernetes.io/component"] == called
            assert service["clusterIP"] == "None", "a caller's round_robin wants every pod"
            assert int(port) in [entry["port"] for entry in service["ports"]]


def test_every_pod_of_the_orchestrator_is_an_executor_of_its_own_and_is_rolled(profile: str) -> None:
    (found,) = [
        item["spec"]
        for item in objects(profile)
        if item["kind"] == "Deployment" and item["metadata"]["labels"]["app.kubernetes.io/component"] == "orchestrator"
    ]
    assert found["strategy"]["type"] == "RollingUpdate"
    variables = {each["name"]: each for each in found["template"]["spec"]["containers"][0]["env"]}
    named = variables["RATCHET_ORCHESTRATOR__EXECUTOR_ID"]["valueFrom"]
    assert named == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_the_kubelet_asks_where_a_room_answers_without_a_certificate(profile: str) -> None:
    for room in set(ROOMS) - {"arena"}:
        own = load(HostSettings, configuration(profile, room)["host"])
        pods = [
            pod["spec"]
            for item in objects(profile)
            if item["kind"] != "ConfigMap"  # those of its Jobs are asked nothing
            and (pod := pod_of(item))
            and item["metadata"]["labels"]["app.kubernetes.io/component"] == room
        ]
        for spec in pods:
            for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
                asked = spec["containers"][0][kind]["grpc"]["port"]
                assert own.health_listen == f"0.0.0.0:{asked}" != own.listen


def test_the_laptop_profile_asks_for_little() -> None:
    cpu, memory = 0.0, 0.0
    for item in objects("laptop"):
        if item["kind"] == "Deployment":
            asked = item["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
            cpu += item["spec"]["replicas"] * float(asked["cpu"].removesuffix("m")) / 1000
            memory += item["spec"]["replicas"] * float(asked["memory"].removesuffix("Mi")) * 1024**2
    assert cpu <= _LAPTOP_CPU
    assert memory <= _LAPTOP_BYTES


def configuration(profile: str, room: str) -> dict[str, Any]:
    """The tables that a room is configured with."""
    labelled = [
        item
        for item in objects(profile)
        if item["kind"] == "ConfigMap" and item["metadata"]["labels"]["app.kubernetes.io/component"] == room
    ]
    return tomllib.loads(labelled[0]["data"]["config.toml"])
