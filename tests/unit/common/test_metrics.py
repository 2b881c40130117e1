"""Every metric of every room, from the code: its name has a unit, it says what it is, its labels are bounded."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest
from prometheus_client import Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase

import services
from services.common import telemetry
from services.orchestrator import scores

SERVICES = Path(services.__file__).parent
ROOMS = sorted(path.parent.name for path in SERVICES.glob("*/metrics.py"))
UNITS = {
    *("seconds", "bytes", "ratio", "score", "nats", "perplexity"),
    *("tokens", "tasks", "rows", "episodes", "sessions", "runs", "requests", "adapters", "jobs"),
}
# What bounds the values of each label.
LABELS = {
    "action": "verbs of the grammar",
    "agent": "kinds of agents; in scores the newest that requests named",
    "code": "codes of gRPC",
    "direction": "in, out",
    "format": "formats of observations",
    "kind": "an enumeration in the metrics' module",
    "method": "RPCs of the protos",
    "outcome": "solved, unsolved, lost, failed",
    "phase": "phases of an iteration",
    "policy": "the newest few, and the built-in ones",
    "reason": "classes of errors",
    "role": "base, candidate, trivial, evaluated, earlier",
    "rpc_service": "services of the protos",
    "site": "sites of the arena",
    "source": "an enumeration in the metrics' module",
    "split": "splits of a suite",
    "state": "states of a resource",
    "suite": "suites that somebody imported",
    "verdict": "an enumeration in the metrics' module",
}


def metrics_of(module: ModuleType) -> dict[str, MetricWrapperBase]:
    found = {}
    for name, value in vars(module).items():
        for part in (value, *getattr(value, "_gauges", ())):
            if isinstance(part, MetricWrapperBase):
                found[f"{name} ({part._name})"] = part
    return found


MODULES = [telemetry, *(importlib.import_module(f"services.{room}.metrics") for room in ROOMS)]
FAMILIES = [
    *(metric.describe()[0] for module in MODULES for metric in metrics_of(module).values()),
    *scores.Scoreboard().collect(),
]


def test_every_room_that_serves_has_metrics() -> None:
    assert {path.parent.name for path in SERVICES.glob("*/settings.py")} - {"common"} == set(ROOMS)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_name_has_a_unit_or_counts_and_says_what_it_is(family) -> None:
    assert re.fullmatch(r"ratchet_[a-z0-9_]+", family.name)
    assert family.type == "counter" or family.name.rpartition("_")[2] in UNITS
    assert len(family.documentation.split()) > 1


def test_labels_are_those_whose_values_are_bounded() -> None:
    used = {label for module in MODULES for metric in metrics_of(module).values() for label in metric._labelnames}
    used |= {label for family in scores.Scoreboard().collect() for label in family._labelnames}
    assert used == LABELS.keys()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_something_sets_every_metric(module: ModuleType) -> None:
    path = Path(str(module.__file__))
    code = "".join(other.read_text() for other in path.parent.rglob("*.py") if other != path)
    owner = path.stem
    names = [name for name, value in vars(module).items() if isinstance(value, MetricWrapperBase | telemetry.Newest)]
    assert names
    unset = [name for name in names if not re.search(rf"\b{owner}\.{name}\b", code)]
    # A module may set its own, in a function.
    assert [name for name in unset if len(re.findall(rf"\b{name}\b", path.read_text())) < 2] == []


def test_seeded_series_are_there_before_the_first_event() -> None:
    counter = telemetry.seeded(Counter("seeded", "For this test", ["kind"], registry=None), "a", "b")
    samples = [(sample.labels["kind"], sample.value) for sample in counter.collect()[0].samples]
    assert [sample for sample in samples if sample[1] == 0] == [("a", 0), ("b", 0)]


def test_of_names_that_requests_give_the_newest_are_shown() -> None:
    gauge = Gauge("newest", "For this test", ["agent"], registry=None)
    newest = telemetry.Newest(2, gauge)
    for name, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        newest.set(name, value)
    assert [(sample.labels["agent"], sample.value) for sample in gauge.collect()[0].samples] == [("a", 3), ("c", 4)]
