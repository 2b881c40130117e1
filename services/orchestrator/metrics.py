"""What the orchestrator exports, beside the scores of `scores.py`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import seeded, unmeasured

OUTCOMES = ("solved", "unsolved", "lost")
KINDS = ("iterations", "evaluations")
STATES = ("succeeded", "failed", "cancelled")

ACTIVE = seeded(Gauge("ratchet_active_runs", "Iterations and evaluations that this process works on", ["kind"]), *KINDS)
ENDED = Counter("ratchet_ended_runs_total", "Iterations and evaluations that ended", ["kind", "state"])
EPISODES = Counter(
    "ratchet_episodes_total", "Episodes with a result, and those lost", ["suite", "split", "phase", "outcome"]
)
FAILED_ATTEMPTS = Counter("ratchet_failed_attempts_total", "Attempts that the machinery failed, by reason", ["reason"])
QUEUED = Gauge("ratchet_queued_episodes", "Episodes of running phases that no worker has begun")
PHASE_SECONDS = seeded(
    Histogram(
        "ratchet_iteration_phase_duration_seconds",
        "Time of a phase of an iteration",
        ["phase"],
        buckets=(1, 5, 15, 60, 180, 600, 1800, 3600, 14400),
    ),
    *("collect", "curate", "train", "evaluate", "gate"),
)
VERDICTS = seeded(Counter("ratchet_gate_verdicts_total", "Verdicts of the gate", ["verdict"]), "promoted", "kept")
FILTER_PRECISION = unmeasured(
    Gauge("ratchet_filter_precision_ratio", "Plausible trajectories that solved their task, last measured")
)
FILTER_RECALL = unmeasured(
    Gauge("ratchet_filter_recall_ratio", "Trajectories that solved and were plausible, last measured")
)

for _kind in KINDS:
    for _state in STATES:
        ENDED.labels(_kind, _state)
