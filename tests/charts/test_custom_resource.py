"""SelfImprovement says what the gRPC API says, its mistakes are told apart, and k8s/ is what clusters take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cel
import jsonschema
import kubernetes_validate
import pytest
import yaml
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor

from ratchet.orchestrator.v1.iteration_service_pb2 import IterationSpec
from tests.charts.conftest import CHART

K8S = CHART.parents[1] / "k8s"
DEFINITION = yaml.safe_load((CHART / "crds" / "selfimprovements.yaml").read_text())
(VERSION,) = DEFINITION["spec"]["versions"]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]
SPEC = SCHEMA["properties"]["spec"]
# For comparing runs with each other, which is not what a resource is for.
_LEFT_OUT = {"measuredBy", "numTrainEvalTasks"}
_TYPES = {
    FieldDescriptor.CPPTYPE_STRING: "string",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_DOUBLE: "number",
    FieldDescriptor.CPPTYPE_INT32: "integer",
    FieldDescriptor.CPPTYPE_UINT64: "integer",
}
# Of others' resources: the chart's, and those that only samples have.
_CUSTOM = {
    kind: schema
    for name in ("custom_resources.json", "sample_resources.json")
    for kind, schema in json.loads((Path(__file__).parent / name).read_text()).items()
}
FILES = sorted(path for path in K8S.rglob("*.yaml") if path.name != "kind.yaml")
SAMPLES = [
    found
    for path in FILES
    for found in yaml.safe_load_all(path.read_text())
    if found["kind"] == DEFINITION["spec"]["names"]["kind"]
]


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as kubectl holds a resource to it: fields that it does not have are refused."""
    made = {key: closed(value) if isinstance(value, dict) else value for key, value in schema.items()}
    if "properties" in made and schema.get("type") == "object":
        made["properties"] = {key: closed(value) for key, value in schema["properties"].items()}
        made["additionalProperties"] = False
    return made


def rules(schema: dict[str, Any], value: Any) -> Iterator[tuple[dict[str, str], Any]]:
    """Every rule for a value and what is in it."""
    for rule in schema.get("x-kubernetes-validations", []):
        yield rule, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from rules(schema.get("properties", {}).get(key, {}), inner)


def faults(found: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    """What an API server says of a resource, new or changed."""
    body = {key: value for key, value in found.items() if key != "metadata"}
    told = [error.message for error in jsonschema.Draft202012Validator(closed(SCHEMA)).iter_errors(body)]
    for rule, value in rules(SCHEMA, found):
        is_transition = "oldSelf" in rule["rule"]
        if is_transition and old is None:
            continue
        if not cel.evaluate(rule["rule"], {"self": value, **({"oldSelf": old} if is_transition else {})}):
            told.append(rule["message"])
    return told


def test_kubernetes_takes_the_definition() -> None:
    kubernetes_validate.validate(DEFINITION, "1.33", strict=True)
    assert DEFINITION["metadata"]["name"] == f"{DEFINITION['spec']['names']['plural']}.{DEFINITION['spec']['group']}"


def test_the_spec_has_the_words_and_types_of_the_api() -> None:
    fields = {field.json_name: field for field in IterationSpec.DESCRIPTOR.fields}
    assert set(SPEC["properties"]) == set(fields) - _LEFT_OUT
    for name, schema in SPEC["properties"].items():
        assert schema["type"] == _TYPES[fields[name].cpp_type], name
        assert schema["description"], name


def test_columns_show_what_the_status_has() -> None:
    for column in VERSION["additionalPrinterColumns"]:
        at = SCHEMA
        path = column["jsonPath"].lstrip(".").split(".")
        if path[0] == "metadata":
            continue
        for part in path:
            at = at["properties"][part]
        assert at["type"] == column["type"]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda found: found["metadata"]["name"])
def test_a_sample_is_a_resource_that_the_api_can_read(sample: dict[str, Any]) -> None:
    assert faults(sample) == []
    assert sample["apiVersion"] == f"{DEFINITION['spec']['group']}/{VERSION['name']}"
    assert json_format.MessageToDict(json_format.ParseDict(sample["spec"], IterationSpec()))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"epochs": 3}, "'epochs' was unexpected"),
        ({"rounds": 0}, "less than the minimum of 1"),
        ({"temperature": 2.5}, "greater than the maximum of 2"),
        ({"mixture": "D"}, "'D' is not one of ['A', 'B', 'C']"),
        ({"numTrainTasks": "all"}, "is not of type 'integer'"),
        ({"policy": "base"}, "e.g. policies/base; `ratchet policies list` names them"),
        ({"follows": "01abc"}, "`ratchet iterations list` names them"),
        ({"collectedBy": "evaluations/01abc"}, "`ratchet iterations list` names them"),
    ],
)
def test_a_mistake_is_told_with_the_field_and_what_it_may_be(spec: dict[str, Any], said: str) -> None:
    (told,) = faults({**SAMPLES[0], "spec": spec})
    assert said in told


def test_a_spec_may_change_until_its_iteration_has_started() -> None:
    old = {**SAMPLES[0], "status": {"state": "Refused"}}
    changed = {**old, "spec": {"suite": "arena"}}
    assert faults(changed, old) == []
    started = {**old, "status": {"state": "Running", "iteration": "iterations/a"}}
    assert "spec is fixed once its iteration has started" in faults({**started, "spec": {}}, started)[0]
    assert faults({**started, "status": {**started["status"], "phase": "train"}}, started) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_object_of_k8s_is_what_its_api_takes(path: Path) -> None:
    found = list(yaml.safe_load_all(path.read_text()))
    assert found
    for item in found:
        kind = f"{item['apiVersion']} {item['kind']}"
        if kind in _CUSTOM:
            jsonschema.validate(item["spec"], _CUSTOM[kind])
        elif item["kind"] != DEFINITION["spec"]["names"]["kind"]:
            kubernetes_validate.validate(item, "1.33", strict=True)


def test_kind_runs_a_kubernetes_that_the_chart_takes_and_maps_the_port_that_the_service_has() -> None:
    cluster = yaml.safe_load((K8S / "kind.yaml").read_text())
    service = yaml.safe_load((K8S / "orchestrator.yaml").read_text())
    (node,) = cluster["nodes"]
    release = node["image"].partition(":v")[2].split(".")
    assert (int(release[0]), int(release[1])) >= (1, 27)
    (mapping,) = node["extraPortMappings"]
    assert mapping["containerPort"] == service["spec"]["ports"][0]["nodePort"]
