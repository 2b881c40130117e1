"""A small real iteration that a real Prometheus scraped: every panel and rule finds what it asks for, none alarms."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml

from charts.dashboards.queries import filled, targets
from ratchet.orchestrator.v1 import evaluation_service_pb2 as evaluations
from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from ratchet.scoring.v1 import scoring_service_pb2 as scoring
from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub
from ratchet.serving.v1 import serving_service_pb2 as serving
from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceStub
from services.common import rpc
from services.common.addresses import Addresses, socket_directory

CHART = Path(__file__).resolve().parents[2] / "charts/ratchet"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((CHART / "dashboards").glob("*.json"))}
RULES = [
    rule
    for path in sorted((CHART / "rules").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
SPEC = pb.IterationSpec(
    num_train_tasks=12, num_eval_tasks=2, num_template_tasks=1, max_epochs=1, parallel_episodes=3, max_steps=6
)
COMPARISONS = {">", "<", ">=", "<=", "==", "!="}
# Waiting for an answer of a process that was started.
PATIENCE_S = 120.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.asynccontextmanager
async def process(log: Path, *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as file:
        running = await asyncio.create_subprocess_exec(*command, stdout=file, stderr=file)
    try:
        yield running
    finally:
        if running.returncode is None:
            running.terminate()
        await running.wait()


class Prometheus:
    """A server that scrapes one target every second and evaluates the chart's rules as often."""

    def __init__(self, client: httpx.AsyncClient, started: float) -> None:
        self._client, self._started = client, started

    async def get(self, path: str, **query: str) -> Any:
        reply = (await self._client.get(f"/api/v1/{path}", params=query)).json()
        assert reply["status"] == "success", (query, reply)
        return reply["data"]

    async def values(self, expr: str, *, instant: bool) -> list[float]:
        """Every number that the expression has, now or since the beginning."""
        if instant:
            found = (await self.get("query", query=expr))["result"]
            values = [series["value"][1] for series in found]
        else:
            span = {"start": str(self._started), "end": str(time.time()), "step": "1"}
            found = (await self.get("query_range", query=expr, **span))["result"]
            values = [value for series in found for _at, value in series["values"]]
        return [number for number in map(float, values) if not math.isnan(number)]

    async def until(self, expr: str) -> None:
        """Returns when the expression has an answer."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if await self.values(expr, instant=True):
                    return
                await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def prometheus(home: Path, target: str) -> AsyncIterator[Prometheus]:
    server = shutil.which("prometheus")
    if server is None:
        pytest.skip("prometheus is not here: scripts/prometheus fetches it where the system has a package of it")
    home.mkdir()
    (home / "targets.json").write_text(json.dumps([{"targets": [target]}]))
    job = {"job_name": "ratchet", "file_sd_configs": [{"files": [str(home / "targets.json")]}]}
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": [str(CHART / "rules/*.yaml")], "scrape_configs": [job]}
    (home / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    options = {
        "config.file": home / "prometheus.yml",
        "storage.tsdb.path": home / "data",
        "web.listen-address": address,
        "log.level": "warn",
    }
    command = [server, *(f"--{name}={value}" for name, value in options.items())]
    client = httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=30)
    async with process(home / "log", *command) as running, client:
        found = Prometheus(client, time.time())
        async with asyncio.timeout(PATIENCE_S):
            while True:
                assert running.returncode is None, (home / "log").read_text()
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get("/-/ready")).is_success:
                        break
                await asyncio.sleep(0.1)
        await found.until("ratchet_home_size_bytes")
        yield found


async def improve(addresses: Addresses) -> None:
    """One iteration, what an experiment asks for besides, and a request to the policy that is deployed."""
    channels = {room: rpc.dial(addresses.address(room)) for room in ("orchestrator", "scoring", "serving")}
    part = serving.PromptPart(role="user", text="OBJECTIVE: wait")
    request = serving.GenerateRequest(adapter="deployed", parts=[part], max_new_tokens=4)
    await ServingServiceStub(channels["serving"]).Generate(request, timeout=60)
    iterations, measured = (stub(channels["orchestrator"]) for stub in (IterationServiceStub, EvaluationServiceStub))
    made = (await iterations.CreateIteration(pb.CreateIterationRequest(spec=SPEC))).iteration
    async for event in iterations.WatchIteration(pb.WatchIterationRequest(name=made.name), timeout=600):
        made = event.iteration
    assert made.state == pb.Iteration.STATE_SUCCEEDED, made.error
    assert made.candidate_policy, made.verdict_reason
    spec = evaluations.EvaluationSpec(policy="policies/expert", num_tasks=2)
    expert = (await measured.CreateEvaluation(evaluations.CreateEvaluationRequest(spec=spec))).evaluation
    async for event in measured.WatchEvaluation(evaluations.WatchEvaluationRequest(name=expert.name), timeout=600):
        expert = event.evaluation
    assert expert.state == evaluations.Evaluation.STATE_SUCCEEDED, expert.error
    base = scoring.Selection(label="base", parents=[made.name], phase="evaluate-base", split="heldout-instances")
    stub = ScoringServiceStub(channels["scoring"])
    await stub.MeasureCapabilities(scoring.MeasureCapabilitiesRequest(agents=[base], baseline="base"), timeout=300)
    references = scoring.Selection(label="expert", parents=[expert.name])
    await stub.CompareTrajectories(
        scoring.CompareTrajectoriesRequest(agents=[base], references=references), timeout=300
    )
    for channel in channels.values():
        await channel.close()


def operands(expr: promql_parser.Expr) -> Iterator[str]:
    """What a rule compares: the expressions that must have data for its comparisons to mean anything."""
    if isinstance(expr, promql_parser.ParenExpr):
        yield from operands(expr.expr)
    elif isinstance(expr, promql_parser.BinaryExpr) and str(expr.op) in {"and", "unless"}:
        yield from operands(expr.lhs)
        yield from operands(expr.rhs)
    elif isinstance(expr, promql_parser.BinaryExpr) and str(expr.op) in COMPARISONS:
        yield from (side.prettify() for side in (expr.lhs, expr.rhs))
    else:
        yield expr.prettify()


async def test_a_run_that_prometheus_scraped_answers_every_panel_and_rule_and_alarms_nobody(tmp_path: Path) -> None:
    home, addresses = tmp_path / "home", Addresses(sockets=socket_directory(tmp_path / "home"))
    command = (sys.executable, "-m", "services.cli", "--home", str(home), "up")
    async with contextlib.AsyncExitStack() as stack:
        running = await stack.enter_async_context(process(tmp_path / "host.log", *command))
        async with asyncio.timeout(PATIENCE_S):
            while not await rpc.is_serving(addresses.address("orchestrator"), timeout_s=PATIENCE_S):
                assert running.returncode is None, (tmp_path / "host.log").read_text()[-2000:]
                await asyncio.sleep(0.1)
        target = (socket_directory(home) / "metrics.url").read_text().strip().split("/")[2]
        server = await stack.enter_async_context(prometheus(tmp_path / "prometheus", target))
        await improve(addresses)
        await server.until("ratchet_vertex_dtw_score")
        values = {"namespace": ".*", "suite": "arena", "split": "heldout-instances"}
        values |= {"__rate_interval": "10s", "__range": "15m"}
        asked = [
            (f"{name}: {target.panel['title']}", filled(target.expr, values), target.instant)
            for name, board in BOARDS.items()
            for target in targets(board)
        ]
        for rule in RULES:
            parsed = promql_parser.parse(rule["expr"])
            wanted = operands(parsed) if "alert" in rule else [rule["expr"]]
            asked += [(rule.get("alert") or rule["record"], expr, False) for expr in wanted]
        assert len(asked) > len(RULES) > 0
        empty = [f"{where}: {expr}" for where, expr, instant in asked if not await server.values(expr, instant=instant)]
        assert empty == []
        alerts = (await server.get("alerts"))["alerts"]
        assert [alert for alert in alerts if alert["state"] == "firing"] == []
        failed = [
            rule for group in (await server.get("rules"))["groups"] for rule in group["rules"] if rule["health"] != "ok"
        ]
        assert failed == []
