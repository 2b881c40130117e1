"""Recording rules and alerts, as promtool reads and runs them; every alert has its case and its page in the runbook."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
from pathlib import Path

import prometheus_client
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULES = sorted((ROOT / "charts/ratchet/rules").glob("*.yaml"))
CASES = Path(__file__).parent / "rules/alerts.yaml"
RUNBOOK = (ROOT / "docs/runbook.md").read_text()
ALL = [rule for path in RULES for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in ALL if "alert" in rule}


def promtool(*arguments: object) -> str:
    """What it said. Fails where it found a fault; skips where there is none."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not here: scripts/prometheus fetches it where the system has a package of it")
    ran = subprocess.run([found, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_prometheus_takes_the_rules() -> None:
    said = promtool("check", "rules", "--lint=all", "--lint-fatal", *RULES)
    assert sum(int(number) for number in re.findall(r"(\d+) rules found", said)) == len(ALL) > len(ALERTS)


def test_alerts_fire_when_they_should_and_only_then() -> None:
    assert "SUCCESS" in promtool("test", "rules", CASES)


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    fired = re.findall(r'alertname="(\w+)"', CASES.read_text())
    assert set(fired) == ALERTS.keys()


def test_the_runbook_has_a_section_for_every_alert_and_for_nothing_else() -> None:
    sections = {title.lower(): title for title in re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)}
    assert set(sections.values()) == ALERTS.keys()
    for name, rule in ALERTS.items():
        path, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / path).is_file()
        assert sections[anchor] == name
        assert rule["labels"]["severity"] in ("info", "warning", "critical")


@pytest.mark.parametrize(
    "section", re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)[1:], ids=lambda text: text.split()[0]
)
def test_a_section_says_where_to_look_what_to_do_and_where_its_metric_is(section: str) -> None:
    assert "**Look**" in section
    assert "**Do**" in section
    named = re.findall(r"`services/(\{[\w,]+\}|\w+)/(\w+\.py)`", section)
    assert named
    files = [ROOT / "services" / room / file for rooms, file in named for room in rooms.strip("{}").split(",")]
    assert [file for file in files if not file.is_file()] == []


def test_rules_read_metrics_that_the_code_has() -> None:
    for path in sorted((ROOT / "services").glob("*/metrics.py")):
        importlib.import_module(f"services.{path.parent.name}.metrics")
    importlib.import_module("services.orchestrator.scores")
    importlib.import_module("services.common.telemetry")
    known = {name for family in prometheus_client.REGISTRY.collect() for name in _names(family)}
    recorded = {rule["record"] for rule in ALL if "record" in rule}
    read = {name for rule in ALL for name in re.findall(r"\b[a-z_:]*ratchet_[a-z0-9_:]+", rule["expr"])}
    assert read
    assert read - known - recorded == set()
    assert recorded <= read, "a rule records what nothing reads"


def _names(family: prometheus_client.Metric) -> set[str]:
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
    return {family.name + ending for ending in endings}
