"""The policies allow what the code opens, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.common.addresses import ROOMS
from services.host.catalog import BESIDE
from tests.charts import network
from tests.charts.conftest import merged, objects, rendered, values
from tests.charts.network import DNS, MONITORING, OUTSIDER, STRANGER, Channel


def test_the_laptop_profile_allows_exactly_the_channels_that_the_code_opens() -> None:
    among = network.pods(objects("laptop"))
    open_ = network.allowed(objects("laptop"), among)
    needed = network.opened(network.site_ports(among))
    assert sorted(needed - open_) == [], "the code opens these, the policies forbid them"
    assert sorted(open_ - needed) == [], "the policies allow these, no code opens them"


def test_browsers_reach_the_sites_and_never_the_arenas_control_or_a_store() -> None:
    among = network.pods(objects("laptop"))
    reached = {channel for channel in network.allowed(objects("laptop"), among) if channel.source == "browser"}
    assert {channel.target for channel in reached} == {"arena"}
    assert Channel("browser", "arena", "control") not in reached
    assert len(reached) == 6


@pytest.mark.parametrize("name", ["laptop", "gpu", "kserve"])
def test_nobody_else_reaches_a_pod_or_is_reached(name: str) -> None:
    among = [*network.pods(objects(name)), STRANGER, OUTSIDER]
    others = {STRANGER.name, OUTSIDER.name}
    crossing = {c for c in network.allowed(objects(name), among) if (c.source in others) != (c.target in others)}
    assert crossing == set()


def test_whom_kserve_lets_in_reaches_the_protocol_and_nothing_else() -> None:
    peers = [{"namespaceSelector": {"matchLabels": MONITORING.namespace_labels}}]
    found = rendered(merged(values("kserve"), {"kserve": {"clients": peers}, "networkPolicy": {"monitoring": []}}))
    open_ = network.allowed(found, [*network.pods(found), MONITORING])
    assert {c for c in open_ if c.source == MONITORING.name} == {Channel(MONITORING.name, "serving", "http1")}


def test_every_room_asks_dns_and_monitoring_reads_metrics_alone() -> None:
    found = objects("gpu")
    among = [*network.pods(found), DNS, MONITORING]
    open_ = network.allowed(found, among)
    assert {c.source for c in open_ if c.target == "dns"} >= {*ROOMS, *BESIDE, "client"}
    assert {c for c in open_ if c.source == MONITORING.name} == {
        Channel(MONITORING.name, room, "metrics") for room in (*ROOMS, *BESIDE)
    } | {Channel(MONITORING.name, "dns", "dns")}


def test_jobs_open_the_object_store_to_training_and_its_workers_and_nothing_else() -> None:
    jobs = rendered(merged(values("laptop"), {"training": {"launcher": "job"}}))
    before = network.allowed(objects("laptop"), network.pods(objects("laptop")))
    assert network.allowed(jobs, network.pods(jobs)) - before == {
        Channel("training", "objects", "objects"),
        Channel("worker", "objects", "objects"),
    }


def test_the_table_in_the_docs_is_what_the_policies_allow() -> None:
    written = Path(__file__).parents[2] / "docs" / "network.md"
    assert written.read_text() == network.table(), "write it anew: python -m tests.charts.network > docs/network.md"
