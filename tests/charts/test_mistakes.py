"""Values that are wrong stop the install with words that say what to change."""

from __future__ import annotations

from typing import Any

import helm_python as helm
import pytest

from tests.charts.conftest import merged, rendered, values

EXTERNAL = {"bundled": {"enabled": False}}


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (EXTERNAL, "database.host is empty; name your PostgreSQL, or set bundled.enabled=true"),
        ({**EXTERNAL, "database": {"host": "db"}}, "database.existingSecret is empty; name the Secret"),
        ({"database": {"host": "db"}}, "leave one of them out"),
        ({"objects": {"endpoint": "http://store:9000"}}, "leave one of them out"),
        ({"bundled": {"password": "short"}}, "fewer than 8 characters"),
        ({"rooms": {"arena": {"replicas": 2}}}, "rooms.arena runs in one pod because"),
        ({"rooms": {"training": {"autoscaling": {"kind": "hpa"}}}}, "rooms.training runs in one pod because"),
        ({"rooms": {"operator": {"replicas": 2}}}, "rooms.operator runs in one pod because each SelfImprovement"),
        (
            {"rooms": {"worker": {"home": {"size": "1Gi"}}}, "training": {"launcher": "job"}},
            "set rooms.worker.home.limit",
        ),
        ({"training": {"launcher": "pod"}}, "/training/launcher"),
        ({"operator": {"enable": False}}, "'/operator': additional properties 'enable' not allowed"),
        ({"rooms": {"curation": {"replicas": 2, "home": {"size": "1Gi"}}}}, "only one pod can mount"),
        ({"rooms": {"rollout": {"autoscaling": {"kind": "hpa", "min": 5, "max": 2}}}}, "min is 5, more than its max 2"),
        ({"rooms": {"rollout": {"autoscaling": {"kind": "keda"}}}}, "needs autoscaling.keda.serverAddress"),
        ({"rooms": {"rollout": {"autoscaling": {"kind": "magic"}}}}, "/rooms/rollout/autoscaling/kind"),
        ({"tls": {"enabled": True}}, "tls.enabled needs certificates; name a Secret"),
        ({"tls": {"enabled": True, "certManager": {"enabled": True}}}, "tls.certManager.issuerRef.name is empty"),
        ({"rooms": {"kitchen": {}}}, "'/rooms': additional properties 'kitchen' not allowed"),
        ({"rooms": {"browser": {"replica": 2}}}, "'/rooms/browser': additional properties 'replica' not allowed"),
        ({"rooms": {"browser": {"replicas": -1}}}, "'/rooms/browser/replicas': minimum"),
        ({"rooms": {"browser": {"replicas": "2"}}}, "'/rooms/browser/replicas': got string, want integer"),
        ({"rooms": {"browser": {"resources": {"limits": {"memory": "4 GB"}}}}}, "'4 GB' does not match"),
        ({"image": {"tag": 1.5}}, "'/image/tag': got number, want string"),
        ({"database": {"host": "postgresql://user@host"}}, "/database/host"),
        ({"objects": {"bucket": "s3://ratchet"}}, "/objects/bucket"),
        ({"networkPolicy": {"clients": [{"podselector": {}}]}}, "'podselector' not allowed"),
    ],
)
def test_a_mistake_is_refused_with_what_to_change(mistake: dict[str, Any], message: str) -> None:
    with pytest.raises(helm.HelmError) as refused:
        rendered(merged(values("laptop"), mistake))
    assert message in str(refused.value)


def test_the_profile_without_a_mistake_is_taken() -> None:
    assert rendered(values("laptop"))
