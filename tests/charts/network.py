"""Who may talk to whom: the rendered policies evaluated over every pair of pods and ports, and what the code opens.

`python -m tests.charts.network > docs/network.md` writes the table anew.
"""

from __future__ import annotations

import ast
import ipaddress
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from services.common.addresses import ROOMS
from services.host.catalog import BESIDE
from services.host.rooms.orchestrator import FORWARDED
from tests.charts.conftest import merged, objects, pod_of, rendered, values

SERVICES = Path(__file__).parents[2] / "services"
# What a setting of that name says that its room opens.
_OPENED_BY_SETTING = {
    "arena_url": ("arena", "control"),
    "database_url": ("postgresql", "postgresql"),
    "blobs_url": ("objects", "objects"),
}
_NOT_SITES = {"control", "metrics"}


class Channel(NamedTuple):
    """One component's connection to a named port of another."""

    source: str
    target: str
    port: str


@dataclass(frozen=True)
class Pod:
    """A pod as policies see it; `ports` by name."""

    name: str
    namespace: str
    labels: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    namespace_labels: dict[str, str] = field(default_factory=dict)


STRANGER = Pod("stranger", "prod", {"app": "other"}, {"http": 80})
OUTSIDER = Pod("outsider", "elsewhere", {"app": "other"}, {"http": 80})
MONITORING = Pod("prometheus", "monitoring", {}, {}, {"kubernetes.io/metadata.name": "monitoring"})
DNS = Pod("dns", "kube-system", {"k8s-app": "kube-dns"}, {"dns": 53})


def pods(found: list[dict[str, Any]]) -> list[Pod]:
    """Each kind of pod that a profile runs, as its component."""
    made = []
    for item in found:
        if (pod := pod_of(item)) is not None:
            labels = pod["metadata"]["labels"]
            ports = {
                port["name"]: port["containerPort"]
                for container in pod["spec"]["containers"]
                for port in container.get("ports", [])
            }
            # KServe's name of the port that speaks gRPC.
            ports = {"grpc" if name == "h2c" else name: number for name, number in ports.items()}
            made.append(Pod(labels["app.kubernetes.io/component"], "prod", labels, ports))
    return made


def allowed(found: list[dict[str, Any]], among: list[Pod]) -> set[Channel]:
    """Every channel that the policies leave open between two different pods."""
    policies = [item for item in found if item["kind"] == "NetworkPolicy"]
    return {
        Channel(source.name, target.name, name)
        for source in among
        for target in among
        for name, port in target.ports.items()
        if source is not target and _open(policies, source, target, port)
    }


def _open(policies: list[dict[str, Any]], source: Pod, target: Pod, port: int) -> bool:
    leaves = _passes(policies, "Egress", "egress", "to", source, target, port)
    return leaves and _passes(policies, "Ingress", "ingress", "from", target, source, port)


def _passes(policies: list[dict[str, Any]], kind: str, rules: str, side: str, own: Pod, peer: Pod, port: int) -> bool:
    selecting = [
        policy["spec"]
        for policy in policies
        if kind in policy["spec"]["policyTypes"]
        and own.namespace == policy["metadata"]["namespace"]
        and _selects(policy["spec"]["podSelector"], own.labels)
    ]
    if not selecting:
        return True
    return any(
        ("ports" not in rule or any(wanted.get("port", port) == port for wanted in rule["ports"]))
        and (side not in rule or any(_is_peer(candidate, own, peer) for candidate in rule[side]))
        for spec in selecting
        for rule in spec.get(rules) or []
    )


def _is_peer(candidate: dict[str, Any], own: Pod, peer: Pod) -> bool:
    if "ipBlock" in candidate:
        # Plugins differ on whether a block reaches pods: the worst is assumed, for pods of 10.244.0.0/16.
        return ipaddress.ip_network(candidate["ipBlock"]["cidr"]).overlaps(ipaddress.ip_network("10.244.0.0/16"))
    if "namespaceSelector" in candidate:
        if not _selects(candidate["namespaceSelector"], peer.namespace_labels):
            return False
    elif peer.namespace != own.namespace:
        return False
    return _selects(candidate.get("podSelector", {}), peer.labels)


def _selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, f"selectors beyond matchLabels are not evaluated: {selector}"
    return selector.get("matchLabels", {}).items() <= labels.items()


def opened(sites: list[str]) -> set[Channel]:
    """Every channel that the code opens: `dial("room")`, settings that name a store, browsers to the named sites."""
    found = set()
    for room in (*ROOMS, *BESIDE):
        files = [SERVICES / "host" / "rooms" / f"{room}.py", *sorted((SERVICES / room).rglob("*.py"))]
        for tree in (ast.parse(file.read_text()) for file in files):
            found |= {Channel(room, called, "grpc") for called in _called(tree, "dial")}
            found |= {Channel(room, *_OPENED_BY_SETTING[name]) for name in _settings(tree)}
            if "playwright" in _imports(tree):
                found |= {Channel(room, "arena", site) for site in sites}
    client = ast.parse((SERVICES / "cli" / "client.py").read_text())
    asked = set(_called(client, "channel"))
    assert asked == {"orchestrator", *FORWARDED}, "clients have one address, which answers for what they ask"
    return found | {Channel("client", "orchestrator", "grpc")}


def _called(tree: ast.AST, function: str) -> Iterator[str]:
    """The rooms that a function of that name is called with."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name == function:
                yield str(node.args[0].value)


def _settings(tree: ast.AST) -> set[str]:
    """The fields of settings classes that name something to reach."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name.endswith("Settings")]
    fields = {item.target.id for one in classes for item in one.body if isinstance(item, ast.AnnAssign)}  # type: ignore[union-attr]
    return fields & set(_OPENED_BY_SETTING)


def _imports(tree: ast.AST) -> set[str]:
    return {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def site_ports(among: list[Pod]) -> list[str]:
    """Names of the arena's ports that are sites."""
    return [name for pod in among if pod.name == "arena" for name in pod.ports if name not in _NOT_SITES]


def table() -> str:
    """docs/network.md of the laptop profile."""
    found = objects("laptop")
    among = pods(found)
    ports = {(pod.name, name): number for pod in among for name, number in pod.ports.items()}
    rows: dict[tuple[str, str], list[str]] = {}
    for channel in sorted(allowed(found, among)):
        rows.setdefault((channel.source, channel.target), []).append(
            f"{channel.port} {ports[channel.target, channel.port]}"
        )
    jobs = rendered(merged(values("laptop"), {"training": {"launcher": "job"}}))
    more = sorted(allowed(jobs, pods(jobs)) - allowed(found, among))
    told = [f"`{channel.source}` to `{channel.target}`" for channel in more]
    lines = [f"| {source} | {target} | {', '.join(names)} |" for (source, target), names in rows.items()]
    return f"{_HEAD}{chr(10).join(lines)}\n\n{_JOBS}{', '.join(told)}.\n"


_HEAD = """# Who may talk to whom

The chart's NetworkPolicies deny everything, then open what stands here. The table is written by
`python -m tests.charts.network` from the rendered laptop profile, evaluated for every pair of pods and ports; a test
compares it with the channels that the code opens, in both directions.

Beside it: every pod asks the cluster's DNS. `networkPolicy.monitoring` may read port 9090 of every room,
`networkPolicy.clients` may call what `client` may. With stores of your own, `postgresql` and `objects` are
`networkPolicy.stores`. Serving and training reach `networkPolicy.hub` on 443 for models (nothing on a laptop); browsers
and rollout workers reach `networkPolicy.sites`, the operator `networkPolicy.apiServer`. `client` is any pod of the
namespace with the release's labels and `app.kubernetes.io/component: client`, such as the one of `helm test`.

| from | to | ports |
|---|---|---|
"""

_JOBS = """With `training.launcher: job` or `trainjob`, pods of training jobs (`worker`) reach each other on every port,
and `networkPolicy.hub`; the training room reaches `networkPolicy.apiServer`. In the bundled stores, that also opens:
"""

if __name__ == "__main__":
    sys.stdout.write(table())
