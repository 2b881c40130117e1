"""What scoring counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import Newest, seeded

# Agents are named by requests; so many of each score are shown.
_MAX_AGENTS = 16

EPISODES_SCORED = seeded(
    Counter("ratchet_scoring_episodes_total", "Episodes scored, by outcome", ["outcome"]), "solved", "unsolved"
)
TRAJECTORIES_JUDGED = seeded(
    Counter("ratchet_scoring_judged_total", "Trajectories that the plausibility filter judged", ["verdict"]),
    *("plausible", "implausible"),
)
EVALUATE_SECONDS = Histogram(
    "ratchet_scoring_evaluate_seconds",
    "Time to score one episode, looks at pages included",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
TEXTS_EMBEDDED = seeded(
    Counter("ratchet_scoring_embedded_texts_total", "Texts embedded, by where their vector was", ["source"]),
    *("cache", "model"),
)
CAPABILITIES = Newest(
    _MAX_AGENTS,
    Gauge("ratchet_capability_ratio", "Share of capabilities that an agent has, last measured", ["agent"]),
    Gauge("ratchet_capability_low_ratio", "Low end of its 95 % interval", ["agent"]),
    Gauge("ratchet_capability_high_ratio", "High end of its 95 % interval", ["agent"]),
)
VERTEX_DTW = Newest(
    _MAX_AGENTS,
    Gauge("ratchet_vertex_dtw_score", "Mean VERTEX_DTW of an agent against references, last measured", ["agent"]),
    Gauge("ratchet_vertex_dtw_low_score", "Low end of its 95 % interval", ["agent"]),
    Gauge("ratchet_vertex_dtw_high_score", "High end of its 95 % interval", ["agent"]),
)
