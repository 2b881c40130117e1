"""Metrics of the operator."""

from __future__ import annotations

from prometheus_client import Counter

from services.common.telemetry import seeded

SYNCS = seeded(
    Counter(
        "ratchet_selfimprovement_syncs_total",
        "Looks at SelfImprovements: done, waiting for something else to end, refused, or failed",
        ["outcome"],
    ),
    "done",
    "waiting",
    "refused",
    "failed",
)
