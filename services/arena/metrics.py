"""What the room counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)

EPISODES_LIVE = Gauge("ratchet_arena_live_episodes", "Episodes whose state is held")
EPISODES_CREATED = Counter("ratchet_arena_episodes_created_total", "Episodes that were created")
EPISODES_EXPIRED = Counter("ratchet_arena_episodes_expired_total", "Episodes dropped because nobody used them")
COPY_SECONDS = Histogram(
    "ratchet_arena_copy_seconds", "Time of an episode's own copy at its first write", buckets=_SECONDS
)
WORLD_SECONDS = Histogram("ratchet_arena_world_seconds", "Time to build a world", buckets=_SECONDS)
PAGE_SECONDS = Histogram("ratchet_arena_page_seconds", "Time to answer a request", ["site"], buckets=_SECONDS)
