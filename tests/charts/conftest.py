"""The chart as Helm's own library renders it, for each profile."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

CHART = Path(__file__).parents[2] / "charts" / "ratchet"
# What is installed together: files of the chart, the later over the earlier, and values that every gate opens.
PROFILES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "laptop": (["values-laptop.yaml"], {}),
    "gpu": (["values-gpu.yaml"], {}),
    "kserve": (["values-gpu.yaml", "values-kserve.yaml"], {}),
    "everything": (
        ["values-gpu.yaml"],
        {
            "nameOverride": "trial",
            "tls": {"enabled": True, "certManager": {"enabled": True, "issuerRef": {"name": "own", "kind": "Issuer"}}},
            "networkPolicy": {
                "clients": [{"namespaceSelector": {"matchLabels": {"team": "agents"}}}],
                "sites": [{"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 7770}]}],
            },
            "image": {"pullSecrets": ["registry"]},
            "training": {"launcher": "job", "queue": "gpus", "nodes": 2},
            "rooms": {
                "worker": {
                    "resources": {"limits": {"nvidia.com/gpu": "8"}},
                    "nodeSelector": {"nvidia.com/gpu.present": "true"},
                    "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
                },
                "rollout": {
                    "autoscaling": {
                        "kind": "keda",
                        "keda": {"serverAddress": "http://prometheus:9090", "query": "sum(ratchet_queued_episodes)"},
                    },
                },
                "serving": {
                    "volumes": [{"name": "models", "persistentVolumeClaim": {"claimName": "models"}}],
                    "volumeMounts": [{"name": "models", "mountPath": "/models", "readOnly": True}],
                    "env": [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}],
                },
            },
        },
    ),
}


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """As Helm lays one values file over another."""
    result = dict(below)
    for key, value in above.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def values(profile: str) -> dict[str, Any]:
    """What a profile gives to the chart."""
    files, more = PROFILES[profile]
    read = [yaml.safe_load((CHART / file).read_text()) for file in files]
    return functools.reduce(merged, [*read, more], {})


@functools.cache
def objects(profile: str) -> list[dict[str, Any]]:
    """Every object of a profile, installed as `demo` into the namespace `prod`."""
    return rendered(values(profile))


def rendered(given: dict[str, Any], namespace: str = "prod") -> list[dict[str, Any]]:
    """Every object that the chart makes of these values. Raises HelmError."""
    with helm.Chart.load(str(CHART)) as chart:
        files = chart.render(given, name="demo", namespace=namespace)
    texts = [text for name, text in sorted(files.items()) if name.endswith(".yaml")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def pod_of(found: dict[str, Any]) -> dict[str, Any] | None:
    """The pod (metadata and spec) that an object runs, None where it runs none."""
    if found["kind"] == "Pod":
        return found
    if found["kind"] == "InferenceService":
        predictor = found["spec"]["predictor"]
        return {"metadata": {"labels": predictor["labels"]}, "spec": predictor}
    if "worker.json" in found.get("data", {}):  # what the training room makes Jobs of
        worker: dict[str, Any] = json.loads(found["data"]["worker.json"])
        return worker
    template: dict[str, Any] | None = found.get("spec", {}).get("template")
    return template


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)
