"""What the orchestrator exports."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

EPISODES = Counter("ratchet_episodes_total", "Episodes with a result", ["suite", "split", "phase", "outcome"])
FAILED_ATTEMPTS = Counter("ratchet_failed_attempts_total", "Attempts that the machinery failed, by reason", ["reason"])
QUEUED = Gauge("ratchet_episodes_queued", "Episodes of the running phase that no worker has begun")
COMPLETION = Gauge(
    "ratchet_task_completion_ratio", "Share of tasks solved, last measured", ["suite", "split", "policy_role"]
)
PHASE_SECONDS = Histogram(
    "ratchet_iteration_phase_duration_seconds",
    "Time of a phase of an iteration",
    ["phase"],
    buckets=(1, 5, 15, 60, 180, 600, 1800, 3600, 14400),
)
VERDICTS = Counter("ratchet_gate_verdicts_total", "Verdicts of the gate", ["verdict"])
FILTER = Gauge("ratchet_filter_ratio", "Plausibility filter against the true reward, last measured", ["measure"])
