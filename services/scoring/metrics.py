"""What scoring counts."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

EPISODES_SCORED = Counter("ratchet_scoring_episodes_total", "Episodes scored, by outcome", ["outcome"])
TRAJECTORIES_JUDGED = Counter(
    "ratchet_scoring_judged_total", "Trajectories that the plausibility filter judged", ["verdict"]
)
EVALUATE_SECONDS = Histogram(
    "ratchet_scoring_evaluate_seconds",
    "Time to score one episode, looks at pages included",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15),
)
TEXTS_EMBEDDED = Counter(
    "ratchet_scoring_embedded_texts_total", "Texts embedded, by where their vector was", ["source"]
)
