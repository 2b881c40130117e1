"""Sending DevTools commands through Playwright's session, cheaply.

Invariant: the same answers as the public `CDPSession.send`; only the copying of them is left out, where this
Playwright has the method that it wraps.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

Send: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


def sender(cdp: CDPSession) -> Send:
    """How to send a command.

    The public method copies every answer value by value in Python: for a tree of a few hundred nodes that is
    longer than Chromium needs to make it.
    """
    inner = getattr(getattr(cdp, "_impl_obj", None), "send", None)
    if inner is None:
        return cdp.send
    names = list(inspect.signature(inner).parameters)
    if names[:2] == ["method", "params"] and set(names[2:]) <= {"timeout"}:
        rest = dict.fromkeys(names[2:])

        async def send(method: str, params: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = await inner(method=method, params=params, **rest)
            return answer

        return send
    return cdp.send
