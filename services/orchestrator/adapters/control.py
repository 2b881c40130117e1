"""The arena's control API, as suites ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from services.orchestrator.ports import SuiteUnavailable, UnknownTask


class ArenaControl:
    """One connection pool; `find_url` tells where the arena is now."""

    def __init__(self, find_url: Callable[[], str], timeout_s: float = 60.0) -> None:
        self._find_url = find_url
        self._http = httpx.AsyncClient(timeout=timeout_s, trust_env=False)

    async def stop(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        """The answer's body. Raises UnknownTask for what the arena does not know, SuiteUnavailable for the rest."""
        try:
            reply = await self._http.get(self._find_url() + path, params=query)
        except httpx.HTTPError as error:
            raise SuiteUnavailable(f"the arena does not answer ({type(error).__name__}); is it up?") from error
        body: dict[str, Any] = reply.json()
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise UnknownTask(f"{body['error']['cause']}; {body['error']['next_step']}")
        if reply.is_error:
            raise SuiteUnavailable(f"the arena refused: {body['error']['cause']}; {body['error']['next_step']}")
        return body
