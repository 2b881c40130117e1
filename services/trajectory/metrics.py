"""What the store counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from services.common.telemetry import seeded

TRAJECTORIES_STORED = seeded(
    Counter("ratchet_trajectory_stored_total", "Trajectories stored, by state of the attempt", ["state"]),
    *("SUCCEEDED", "FAILED"),
)
TRAJECTORIES_REPEATED = Counter(
    "ratchet_trajectory_repeated_total", "Creates that were answered with what was stored before"
)
STORE_SECONDS = Histogram(
    "ratchet_trajectory_store_seconds",
    "Time to store a trajectory with its steps",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
BLOB_BYTES = seeded(
    Counter("ratchet_trajectory_blob_bytes_total", "Bytes of blobs before compression", ["direction"]), "in", "out"
)
