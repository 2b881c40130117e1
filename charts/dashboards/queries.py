"""PromQL as the dashboards write it, and as Prometheus reads it once Grafana's variables are filled in.

Invariant: every selector keeps to the release that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_RELEASE = 'namespace=~"$namespace"'
INTERVAL, RANGE = "$__rate_interval", "$__range"


class Query(NamedTuple):
    """An expression and how its series are called, e.g. `{{outcome}}`."""

    expr: str
    legend: str


class Target(NamedTuple):
    """One query of a generated dashboard."""

    panel: Mapping[str, Any]
    ref: str
    expr: str
    legend: str
    # Asked for at one moment, not over a range.
    instant: bool


def series(name: str, *matchers: str) -> str:
    """A metric of the release: `series("ratchet_x_total", 'kind="a"')`."""
    return f"{name}{{{','.join((_RELEASE, *matchers))}}}"


def rate(name: str, *matchers: str, by: str = "") -> str:
    """Events per second, added up."""
    return f"{_sum(by)} (rate({series(name, *matchers)}[{INTERVAL}]))"


def count(name: str, *matchers: str, by: str = "") -> str:
    """Events within the time that is looked at, added up."""
    return f"round({_sum(by)} (increase({series(name, *matchers)}[{RANGE}])))"


def total(name: str, *matchers: str, by: str = "") -> str:
    """A gauge, added up."""
    return f"{_sum(by)} ({series(name, *matchers)})"


def mean(histogram: str) -> str:
    """Mean of what a histogram observed."""
    return f"{rate(f'{histogram}_sum')} / {rate(f'{histogram}_count')}"


def quantile(share: float, histogram: str, *matchers: str, by: str = "") -> str:
    """Of what a histogram observed."""
    grouped = ", ".join(filter(None, ("le", by)))
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', *matchers, by=grouped)})"


def share(part: str, whole: str) -> str:
    """One sum of increases over another within the time that is looked at; 0 where there was nothing."""
    return f"sum(increase({part}[{RANGE}])) / (sum(increase({whole}[{RANGE}])) > 0) or vector(0)"


def or_none(expr: str, label: str) -> str:
    """The expression, or a series of 0 called "none" where nothing has happened."""
    return f'{expr} or on() label_replace(vector(0), "{label}", "none", "", "")'


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"


def filled(expr: str, values: Mapping[str, str]) -> str:
    """An expression without Grafana's variables, the longest names first."""
    for name in sorted(values, key=len, reverse=True):
        expr = expr.replace(f"${name}", values[name])
    return expr


def targets(dashboard: Mapping[str, Any]) -> Iterator[Target]:
    """Every query of a generated dashboard."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            instant = bool(target.get("instant"))
            yield Target(panel, target["refId"], target["expr"], target.get("legendFormat", ""), instant)
