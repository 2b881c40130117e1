"""What the room counts."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.common.telemetry import seeded

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

SESSIONS_OPEN = Gauge("ratchet_browser_open_sessions", "Sessions that are open")
SESSIONS_CREATED = Counter("ratchet_browser_sessions_created_total", "Sessions that were opened")
SESSION_SECONDS = Histogram("ratchet_browser_session_open_seconds", "Time to open a session", buckets=_SECONDS)
CRASHES = Counter("ratchet_browser_crashes_total", "Pages and browsers that died under a session")
OBSERVE_SECONDS = Histogram("ratchet_browser_observe_seconds", "Time to read a page", ["format"], buckets=_SECONDS)
ACT_SECONDS = Histogram(
    "ratchet_browser_act_seconds", "Time of an action and what it caused", ["action"], buckets=_SECONDS
)
CONTAINED = seeded(
    Counter("ratchet_browser_contained_total", "Things pages tried that were contained", ["kind"]),
    *("refused", "popup", "download"),
)
