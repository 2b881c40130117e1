"""The arena's control API, as environments ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from services.rollout.ports import BadTask, EnvironmentFailed


class ArenaControl:
    """One connection pool; `find_url` tells where the arena is now."""

    def __init__(self, find_url: Callable[[], str], timeout_s: float = 30.0) -> None:
        self._find_url = find_url
        self._http = httpx.AsyncClient(timeout=timeout_s, trust_env=False)

    async def stop(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """The answer's body. Raises BadTask for what the arena does not know, EnvironmentFailed for the rest."""
        try:
            reply = await self._http.request(method, self._find_url() + path, **kwargs)
        except httpx.HTTPError as error:
            raise EnvironmentFailed(f"the arena does not answer ({type(error).__name__}); is it up?") from error
        body: dict[str, Any] = reply.json()
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise BadTask(f"{body['error']['cause']}; {body['error']['next_step']}")
        if reply.is_error:
            raise EnvironmentFailed(f"the arena refused: {body['error']['cause']}; {body['error']['next_step']}")
        return body

    async def forget(self, path: str) -> None:
        """Delete what is there, if the arena still is."""
        try:
            await self._http.delete(self._find_url() + path)
        except httpx.HTTPError:
            return  # the arena is gone, and what it kept with it
