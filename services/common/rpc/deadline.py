"""The time that is left for the request in hand, inherited by every call made on its behalf.

Invariant: what a request started and left running is bound by it no longer once it has been answered.
"""

from __future__ import annotations

import contextvars
import time
from dataclasses import dataclass


@dataclass
class Request:
    """A request in hand; `expires` is on the monotonic clock, None for never."""

    expires: float | None
    answered: bool = False


_request: contextvars.ContextVar[Request | None] = contextvars.ContextVar("request", default=None)


def enter(remaining_s: float | None) -> Request:
    """Start the clock of the request that this task handles; set `answered` at its end."""
    request = Request(None if remaining_s is None else time.monotonic() + remaining_s)
    _request.set(request)
    return request


def bound(timeout_s: float | None, default_s: float) -> float:
    """Timeout for an outgoing call: what was asked, never more than what is left."""
    wanted = default_s if timeout_s is None else timeout_s
    request = _request.get()
    if request is None or request.answered or request.expires is None:
        return wanted
    return max(0.0, min(wanted, request.expires - time.monotonic()))
