"""What curation counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from services.common.telemetry import seeded

ROWS_CURATED = seeded(
    Counter("ratchet_curation_rows_total", "Rows put into datasets, by split", ["split"]), "train", "validation"
)
CURATE_SECONDS = Histogram(
    "ratchet_curation_seconds",
    "Time to curate one dataset",
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
