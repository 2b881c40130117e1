"""SelfImprovements on the API server that KUBECONFIG names: applied, watched, killed in between, deleted.

The server alone is enough, without nodes: the operator runs here with a token of the chart's ServiceAccount, and so
with the chart's Role alone. The orchestrator is real, with the rooms that it asks before the first episode.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from services.common import rpc
from services.host.main import host
from tests.charts.conftest import rendered, values
from tests.contract.operator.conftest import ROOMS

CRD = Path(__file__).parents[2] / "charts" / "ratchet" / "crds" / "selfimprovements.yaml"
PATIENCE_S = 60
CANCELLED, RUNNING = pb.Iteration.STATE_CANCELLED, pb.Iteration.STATE_RUNNING
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif("KUBECONFIG" not in os.environ, reason="KUBECONFIG names no cluster"),
    pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not on the PATH"),
]


async def kubectl(*line: str, given: str = "") -> str:
    """What it printed. Fails where it failed."""
    process = await asyncio.create_subprocess_exec("kubectl", *line, stdin=-1, stdout=-1, stderr=-1)
    out, err = await process.communicate(given.encode())
    assert process.returncode == 0, err.decode()
    return out.decode()


class Cluster:
    """A namespace of the cluster, and the operator in a process of its own."""

    def __init__(self, namespace: str, home: Path, orchestrator: str) -> None:
        self.namespace, self._home = namespace, home
        self._config = home.parent / "operator.toml"
        self._config.write_text(f'[host]\naddresses = {{orchestrator = "{orchestrator}"}}\n')
        self.operator: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        line = ("--home", str(self._home), "--config", str(self._config), "serve", "operator")
        own = {"NAMESPACE": self.namespace, "FOLLOW_S": "0.2", "RETRY_S": "0.2"}
        environment = os.environ | {f"RATCHET_OPERATOR__{key}": value for key, value in own.items()}
        environment["KUBECONFIG"] = str(await self._kubeconfig())
        with (self._home.parent / "operator.log").open("ab") as log:
            self.operator = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.cli", *line, env=environment, stderr=log, stdout=log
            )

    async def _kubeconfig(self) -> Path:
        """Of the chart's ServiceAccount, which is made with all that the chart gives it."""
        path = self._home.parent / "kubeconfig"
        if not path.exists():
            kinds = ("ServiceAccount", "Role", "RoleBinding")
            found = [item for item in rendered(values("laptop"), self.namespace) if item["kind"] in kinds]
            await kubectl("apply", "--validate=false", "-f", "-", given=yaml.safe_dump_all(found))
            token = await kubectl("-n", self.namespace, "create", "token", "demo-ratchet-operator")
            config = json.loads(await kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
            config["users"][0]["user"] = {"token": token}
            path.write_text(json.dumps(config))
        return path

    async def end(self, number: int) -> None:
        if self.operator and self.operator.returncode is None:
            self.operator.send_signal(number)
            await self.operator.wait()

    async def apply(self, name: str, **spec: Any) -> None:
        body = {
            "apiVersion": "ratchet.dev/v1alpha1",
            "kind": "SelfImprovement",
            "metadata": {"name": name},
            "spec": spec,
        }
        await kubectl("-n", self.namespace, "apply", "-f", "-", given=json.dumps(body))

    async def until(self, name: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The resource once it is so, as a watch tells."""
        line = ("-n", self.namespace, "get", "si", name, "--watch", "-o", "json", f"--request-timeout={PATIENCE_S}s")
        process = await asyncio.create_subprocess_exec("kubectl", *line, stdout=-1, limit=2**24)
        assert process.stdout is not None
        decoder, text = json.JSONDecoder(), ""
        try:
            while line_read := await process.stdout.readline():
                text += line_read.decode()
                if line_read != b"}\n":
                    continue
                found, text = decoder.raw_decode(text)[0], ""
                if holds(found):
                    return dict(found)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
        raise AssertionError((self._home.parent / "operator.log").read_text()[-3000:])


def is_in(state: str) -> Callable[[dict[str, Any]], bool]:
    return lambda found: found.get("status", {}).get("state") == state


@pytest.fixture
async def iterations(tmp_path: Path) -> AsyncIterator[tuple[Any, str]]:
    """The orchestrator's stub and address."""
    home = tmp_path / "home"
    async with host(home, {"host": {"log_level": "error"}}, ROOMS) as addresses:
        address = addresses.address("orchestrator")
        channel = rpc.dial(address)
        yield IterationServiceStub(channel), address
        await channel.close()


@pytest.fixture
async def cluster(iterations: tuple[Any, str], tmp_path: Path) -> AsyncIterator[Cluster]:
    # Servers older than CEL rules take the definition without them.
    existing = await kubectl("get", "crd", "-o", "name")
    if "selfimprovements.ratchet.dev" not in existing:
        await kubectl("create", "--validate=false", "-f", str(CRD))
    await kubectl("wait", "--for=condition=Established", f"crd/{yaml.safe_load(CRD.read_text())['metadata']['name']}")
    namespace = f"ratchet-{uuid.uuid4().hex[:8]}"
    await kubectl("create", "namespace", namespace)
    made = Cluster(namespace, tmp_path / "operator", iterations[1])
    try:
        yield made
    finally:
        if made.operator and made.operator.returncode is not None:
            await made.start()
        await kubectl("-n", namespace, "delete", "si", "--all", f"--timeout={PATIENCE_S}s")
        await made.end(signal.SIGTERM)
        assert made.operator is None or made.operator.returncode == 0
        await kubectl("delete", "namespace", namespace, "--wait=false")


async def started(iterations: tuple[Any, str]) -> list[pb.Iteration]:
    return list((await iterations[0].ListIterations(pb.ListIterationsRequest())).iterations)


async def test_a_resource_starts_one_iteration_whenever_the_operator_is_killed(
    cluster: Cluster, iterations: tuple[Any, str]
) -> None:
    await cluster.start()
    await cluster.apply("small", numTrainTasks=2)
    # Just when it is about to start the iteration, or has, and has not told the resource.
    await cluster.until("small", lambda found: bool(found["metadata"].get("finalizers")))
    await cluster.end(signal.SIGKILL)
    await cluster.start()
    told = await cluster.until("small", is_in("Running"))
    (only,) = await started(iterations)
    assert told["status"]["iteration"] == only.name
    assert told["metadata"]["finalizers"] == ["operator.ratchet.dev/cancel"]

    await cluster.end(signal.SIGKILL)
    await kubectl("-n", cluster.namespace, "delete", "si", "small", "--wait=false")
    assert [each.state for each in await started(iterations)] == [RUNNING], "nobody was there to cancel it"
    await cluster.start()
    await kubectl("-n", cluster.namespace, "wait", "--for=delete", "si/small", f"--timeout={PATIENCE_S}s")
    assert [each.state for each in await started(iterations)] == [CANCELLED]


async def test_a_refused_spec_is_told_with_an_event_and_may_be_edited(
    cluster: Cluster, iterations: tuple[Any, str]
) -> None:
    await cluster.start()
    await cluster.apply("bad", suite="shoping")
    refused = await cluster.until("bad", is_in("Refused"))
    failed = next(each for each in refused["status"]["conditions"] if each["type"] == "Failed")
    assert (failed["status"], failed["reason"]) == ("True", "UnknownSuite")
    assert "known: arena" in failed["message"]
    events = await kubectl("-n", cluster.namespace, "get", "events", "-o", "jsonpath={.items[*].reason}")
    assert "Refused" in events.split()
    assert not await started(iterations)

    await cluster.apply("bad", suite="arena", numTrainTasks=2)
    await cluster.until("bad", is_in("Running"))
    await cluster.apply("next", numTrainTasks=2)
    waiting = await cluster.until("next", is_in("Pending"))
    assert "finalizers" in waiting["metadata"]
    (first,) = await started(iterations)
    await iterations[0].CancelIteration(pb.CancelIterationRequest(name=first.name))
    ended = await cluster.until(
        "bad", lambda found: is_in("Cancelled")(found) and not found["metadata"].get("finalizers")
    )
    assert ended["status"]["iteration"] == first.name
    await cluster.until("next", is_in("Running"))
    shown = await kubectl("-n", cluster.namespace, "get", "selfimprovements")
    assert shown.split()[:5] == ["NAME", "STATE", "PHASE", "ROUND", "BASE"]
    assert len(await started(iterations)) == 2
