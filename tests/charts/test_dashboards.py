"""The shipped dashboards are what their code generates; every query is PromQL about metrics that the code has."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import prometheus_client
import promql_parser
import pytest

from charts.dashboards.__main__ import BOARDS, PLACE, generated
from charts.dashboards.queries import filled, targets

ROOT = Path(__file__).resolve().parents[2]
FILES = generated()
VALUES = {"namespace": ".*", "suite": "arena", "split": "train", "__rate_interval": "1m", "__range": "6h"}
# Of Prometheus itself and of the client library's process collector.
FOREIGN = {"process_resident_memory_bytes"}


def test_the_shipped_files_are_what_the_code_generates() -> None:
    shipped = {path.name: path.read_text() for path in PLACE.glob("*.json")}
    stale = sorted(name for name in FILES.keys() | shipped.keys() if FILES.get(name) != shipped.get(name))
    assert stale == [], "run: python -m charts.dashboards"


@pytest.mark.parametrize("name", BOARDS)
def test_panels_say_what_they_show_ask_and_stand_apart(name: str) -> None:
    board = json.loads(FILES[f"{name}.json"])
    assert board["uid"] == f"ratchet-{name}"
    assert len({panel["title"] + panel["type"] for panel in board["panels"]}) == len(board["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["datasource"]["uid"] == "${datasource}"
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert taken.isdisjoint(cells), panel["title"]
        taken |= cells
    width = max(x for x, _y in taken) + 1
    height = max(y for _x, y in taken) + 1
    assert len(taken) == width * height == 24 * height, "there are holes between the panels"


@pytest.mark.parametrize("name", BOARDS)
def test_queries_are_promql_of_the_release_about_metrics_that_there_are(name: str) -> None:
    for path in sorted((ROOT / "services").glob("*/metrics.py")):
        importlib.import_module(f"services.{path.parent.name}.metrics")
    importlib.import_module("services.orchestrator.scores")
    importlib.import_module("services.common.telemetry")
    known = FOREIGN | {name for family in prometheus_client.REGISTRY.collect() for name in _names(family)}
    asked = list(targets(json.loads(FILES[f"{name}.json"])))
    assert asked
    for target in asked:
        expr = filled(target.expr, VALUES)
        assert "$" not in expr
        promql_parser.parse(expr)
        assert set(re.findall(r"\b((?:ratchet|process)_\w+)\{", target.expr)) - known == set()
        assert set(re.findall(r"(\w+)\{(?!namespace=~)", target.expr)) == set(), "a selector sees other releases"


def _names(family: prometheus_client.Metric) -> set[str]:
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
    return {family.name + ending for ending in endings}
