"""What the serving room exports."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import seeded

TOKENS = seeded(Counter("ratchet_serving_tokens_total", "Tokens of answered requests", ["kind"]), "prompt", "response")
REUSED_TOKENS = Counter("ratchet_serving_prefix_reused_tokens_total", "Prompt tokens not computed again")
REQUESTS = Gauge("ratchet_serving_in_flight_requests", "Requests waiting or being computed")
WAITING = Gauge("ratchet_serving_waiting_requests", "Requests that the engine has not taken up yet")
ADAPTERS = Gauge("ratchet_serving_loaded_adapters", "Adapters in memory")
QUEUE_SECONDS = Histogram(
    "ratchet_serving_queue_seconds",
    "Time before a request's prompt was taken up",
    buckets=(0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
COMPUTE_SECONDS = Histogram(
    "ratchet_serving_compute_seconds",
    "Time from taking up a prompt to its last token",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
)
DEPLOYED_SECONDS = seeded(
    Histogram(
        "ratchet_serving_deployed_seconds",
        "Time to an answer of the deployed policy, by who gave it",
        ["role"],
        buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60),
    ),
    "current",
    "candidate",
)
DEPLOYED_FAILED = seeded(
    Counter("ratchet_serving_deployed_failures_total", "Requests for the deployed policy that failed", ["role"]),
    "current",
    "candidate",
)
BATCH_ROWS = Histogram(
    "ratchet_serving_batch_rows", "Requests in one model step", buckets=(1, 2, 4, 8, 12, 16, 24, 32, 64, 128)
)
