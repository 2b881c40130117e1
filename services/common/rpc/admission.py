"""Calls to a server that may be full: tried again as late as it says, for as long as the caller has time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.common.errors import ResourceExhausted
from services.common.rpc import deadline

T = TypeVar("T")
_RETRY_S = 1.0


async def admitted(call: Callable[[float], Awaitable[T]], timeout_s: float) -> T:
    """The answer of `call`, which is given the seconds that are left.

    Raises ResourceExhausted when no place became free in time, and whatever else the call raises.
    """
    until = time.monotonic() + deadline.bound(timeout_s, timeout_s)
    while True:
        try:
            return await call(until - time.monotonic())
        except ResourceExhausted as full:
            # Those who were refused together do not come back together.
            wait_s = (full.retry_after_s or _RETRY_S) * random.uniform(0.5, 1.5)
            if time.monotonic() + wait_s >= until:
                raise
            await asyncio.sleep(wait_s)
