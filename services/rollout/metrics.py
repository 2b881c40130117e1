"""What a rollout worker exports."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import seeded

OUTCOMES = ("solved", "unsolved", "failed")
AGENTS = ("model", "trivial", "expert")

EPISODES = Counter(
    "ratchet_rollout_episodes_total", "Finished attempts, by how they ended", ["suite", "split", "outcome"]
)
STEPS = seeded(Counter("ratchet_rollout_steps_total", "Steps taken", ["agent"]), *AGENTS)
INVALID = seeded(
    Counter("ratchet_rollout_invalid_responses_total", "Responses that were no action of the grammar", ["agent"]),
    *AGENTS,
)
RUNNING = Gauge("ratchet_rollout_running_episodes", "Episodes in progress")
EPISODE_SECONDS = Histogram(
    "ratchet_rollout_episode_duration_seconds",
    "Wall time of one attempt",
    ["agent"],
    buckets=(0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600),
)
TOKENS = seeded(
    Counter("ratchet_rollout_tokens_total", "Model tokens, by kind (prompt or response)", ["kind"]),
    "prompt",
    "response",
)
