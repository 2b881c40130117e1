"""Structured logs and the RPC metrics that every room exports.

Invariant: a log line carries the run and the episode that it belongs to, in whichever room it was written.
"""

from __future__ import annotations

import contextlib
import logging
import math
import sys
from typing import TextIO, TypeVar, cast

import structlog
from prometheus_client import Counter, Gauge, Histogram

# Carried from caller to callee in request metadata as x-ratchet-<key>.
BAGGAGE_KEYS = ("run", "episode", "request_id")

# "service" is the name that Prometheus gives to the Service of Kubernetes that it scrapes.
RPC_HANDLED = Counter("ratchet_rpc_handled_total", "RPCs completed, by outcome", ["rpc_service", "method", "code"])
RPC_SECONDS = Histogram(
    "ratchet_rpc_duration_seconds",
    "Time from an RPC's arrival to its end",
    ["rpc_service", "method"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300),
)
RPC_IN_FLIGHT = Gauge("ratchet_rpc_in_flight_requests", "RPCs being handled", ["rpc_service"])

M = TypeVar("M", Counter, Gauge, Histogram)


class _Stderr:
    """The standard error of the moment; a full disk behind it loses a line, never the work that wrote it."""

    # Looked up at each line: whoever replaces stderr (a test, a terminal's live view) gets the lines.
    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return sys.stderr.write(text)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.flush()


def configure_logging(level: str = "info", *, json: bool | None = None) -> None:
    """Log to stderr: coloured lines on a terminal, JSON elsewhere."""
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=lambda *_args: structlog.PrintLogger(cast("TextIO", _Stderr())),
    )


def log() -> structlog.stdlib.BoundLogger:
    """The logger: `log().info("adapter loaded", digest=...)`."""
    bound: structlog.stdlib.BoundLogger = structlog.get_logger()
    return bound


def baggage() -> dict[str, str]:
    """The bound values that travel with outgoing calls."""
    bound = structlog.contextvars.get_contextvars()
    return {key: str(bound[key]) for key in BAGGAGE_KEYS if key in bound}


def outgoing() -> tuple[tuple[str, str], ...]:
    """The baggage as request metadata."""
    return tuple((f"x-ratchet-{key.replace('_', '-')}", value) for key, value in baggage().items())


def seeded(metric: M, *values: str) -> M:
    """The metric with these values of its one label at 0, so that a rate sees the first event too."""
    for value in values:
        metric.labels(value)
    return metric


def unmeasured(gauge: Gauge) -> Gauge:
    """The gauge, not a number until it is set: 0 would be a measurement."""
    gauge.set(math.nan)
    return gauge


class Newest:
    """Gauges of one label whose values come from requests: the `limit` that were set last are shown."""

    def __init__(self, limit: int, *gauges: Gauge) -> None:
        self._limit, self._gauges = limit, gauges
        self._shown: list[str] = []

    def set(self, label: str, *values: float) -> None:
        """A value for each gauge."""
        if label in self._shown:
            self._shown.remove(label)
        self._shown.append(label)
        for gauge, value in zip(self._gauges, values, strict=True):
            gauge.labels(label).set(value)
        while len(self._shown) > self._limit:
            oldest = self._shown.pop(0)
            for gauge in self._gauges:
                gauge.remove(oldest)
