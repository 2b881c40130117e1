"""A release on the cluster that KUBECONFIG names, installed once for all tests: `make e2e-cluster`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import helm_python as helm
import pytest
import yaml

from services.common import rpc
from tests.charts.conftest import CHART, merged
from tests.topology.test_browsers import free_ports

NAMESPACE, NAME = "ratchet-e2e", "ratchet"
GRPC = 50051
_READY_S, _TEST_S = 300, 1200
# Every kind of which a release, or a room that runs, may leave something behind.
KINDS = (
    "deployments,statefulsets,replicasets,jobs,pods,services,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "persistentvolumeclaims,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,leases,endpoints"
)


def run(*command: str | Path, given: str | None = None) -> str:
    """What a command printed; its own words when it failed."""
    done = subprocess.run(command, input=given, text=True, capture_output=True)
    assert done.returncode == 0, f"{shlex.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    return done.stdout


def kubectl(*args: str, given: str | None = None) -> str:
    return run("kubectl", "-n", NAMESPACE, *args, given=given)


def selector(component: str) -> str:
    return f"app.kubernetes.io/instance={NAME},app.kubernetes.io/component={component}"


def items(kinds: str, component: str = "") -> list[dict[str, Any]]:
    """The namespace's objects of these kinds, as the API server has them."""
    labels = ["-l", selector(component)] if component else []
    found: list[dict[str, Any]] = json.loads(kubectl("get", kinds, *labels, "-o", "json"))["items"]
    return found


class Release:
    """The chart under its laptop profile, in Helm's own hands."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._helm = helm.Config(namespace=NAMESPACE)
        self._filter = os.environ["FILTER"]
        registry, tag = os.environ["REGISTRY"], os.environ["TAG"]
        self._values: dict[str, Any] = {"image": {"registry": registry, "tag": tag}}
        if os.environ["STORES"] != "0":
            stores = {name: {"image": f"{registry}/ratchet-{name}:{tag}"} for name in ("postgresql", "objects")}
            self._values["bundled"] = stores

    def install(self) -> None:
        with self._chart({}) as (chart, values):
            self._helm.install(chart, NAME, values, create_namespace=True, wait="legacy", timeout=_READY_S)

    def test(self) -> str:
        """What the chart's own test said."""
        try:
            return str(self._helm.test(NAME, timeout=_TEST_S, logs=True)["logs"])
        except helm.HelmError as error:
            raise AssertionError(kubectl("logs", f"{NAME}-test-iteration")) from error

    def upgrade(self, changed: dict[str, Any]) -> None:
        with self._chart(changed) as (chart, values):
            self._helm.upgrade(chart, NAME, values, wait="legacy", timeout=_READY_S)

    def rollback(self) -> None:
        self._helm.rollback(NAME, wait="legacy", timeout=_READY_S)

    def uninstall(self) -> None:
        self._helm.uninstall(NAME, wait="legacy", timeout=_READY_S)

    def render(self, name: str, changed: dict[str, Any]) -> str:
        """The manifests of a release as this cluster would get them; raises HelmError where the chart refuses."""
        with helm.Chart.load(CHART) as chart:
            rendered = self._helm.render(chart, self._all(changed), name=name, namespace=NAMESPACE)
        return "\n---\n".join(text for path, text in rendered.items() if path.endswith(".yaml"))

    def _all(self, changed: dict[str, Any]) -> dict[str, Any]:
        return merged(merged(yaml.safe_load((CHART / "values-laptop.yaml").read_text()), self._values), changed)

    @contextlib.contextmanager
    def _chart(self, changed: dict[str, Any]) -> Iterator[tuple[helm.Chart, dict[str, Any]]]:
        """The chart and its values; behind a filter, a chart of what the filter made of its manifests."""
        if not self._filter:
            with helm.Chart.load(CHART) as chart:
                yield chart, self._all(changed)
            return
        filtered = Path(tempfile.mkdtemp(dir=self._directory))
        for folder in ("templates", "crds"):
            (filtered / folder).mkdir()
        shutil.copy(CHART / "Chart.yaml", filtered)
        crds = "\n---\n".join(path.read_text() for path in sorted((CHART / "crds").iterdir()))
        (filtered / "crds" / "all.yaml").write_text(run(*shlex.split(self._filter), given=crds))
        (filtered / "all.yaml").write_text(run(*shlex.split(self._filter), given=self.render(NAME, changed)))
        (filtered / "templates" / "all.yaml").write_text('{{ .Files.Get "all.yaml" }}')
        with helm.Chart.load(filtered) as chart:
            yield chart, {}


@pytest.fixture(scope="session")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    made = Release(tmp_path_factory.mktemp("release"))
    try:
        made.install()
        yield made
    finally:
        run("kubectl", "delete", "namespace", NAMESPACE, "--ignore-not-found")


@contextlib.asynccontextmanager
async def forwarded(room: str) -> AsyncIterator[str]:
    """Address of a port here that leads to a room; to another of its pods when one goes."""
    port = free_ports(1)[0]
    command = ("kubectl", "-n", NAMESPACE, "port-forward", f"service/{NAME}-{room}", f"{port}:{GRPC}")

    async def forward() -> None:
        while True:
            process = await asyncio.create_subprocess_exec(*command, stdout=-3, stderr=-3)
            try:
                await process.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            await asyncio.sleep(0.5)

    forwarding = asyncio.create_task(forward())
    try:
        address = f"127.0.0.1:{port}"
        while not await rpc.is_serving(address, timeout_s=60):  # noqa: ASYNC110 - kubectl tells nobody
            await asyncio.sleep(0.5)
        yield address
    finally:
        forwarding.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await forwarding
