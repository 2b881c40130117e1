"""The time that is left for the request in hand, inherited by every call made on its behalf."""

from __future__ import annotations

import contextvars
import time

_deadline: contextvars.ContextVar[float | None] = contextvars.ContextVar("deadline", default=None)


def enter(remaining_s: float | None) -> None:
    """Start the clock of the request that this task handles."""
    _deadline.set(None if remaining_s is None else time.monotonic() + remaining_s)


def bound(timeout_s: float | None, default_s: float) -> float:
    """Timeout for an outgoing call: what was asked, never more than what is left."""
    wanted = default_s if timeout_s is None else timeout_s
    deadline = _deadline.get()
    return wanted if deadline is None else max(0.0, min(wanted, deadline - time.monotonic()))
