"""The arena's control API over HTTP, for the rooms that ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from services.common.errors import RatchetError


class ArenaControl:
    """One connection pool; `find_url` tells where the arena is now.

    `unknown` is raised for what the arena does not know, `unavailable` for the rest.
    """

    def __init__(
        self,
        find_url: Callable[[], str],
        unknown: type[RatchetError],
        unavailable: type[RatchetError],
        timeout_s: float,
    ) -> None:
        self._find_url, self._unknown, self._unavailable = find_url, unknown, unavailable
        self._http = httpx.AsyncClient(timeout=timeout_s, trust_env=False)

    async def stop(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
        """The answer's body."""
        try:
            reply = await self._http.request(method, self._find_url() + path, **kwargs)
        except httpx.HTTPError as error:
            raise self._unavailable(f"the arena does not answer ({type(error).__name__}); is it up?") from error
        body: dict[str, Any] = reply.json()
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise self._unknown(f"{body['error']['cause']}; {body['error']['next_step']}")
        if reply.is_error:
            raise self._unavailable(f"the arena refused: {body['error']['cause']}; {body['error']['next_step']}")
        return body

    async def forget(self, path: str) -> None:
        """Delete what is there, if the arena still is."""
        try:
            await self._http.delete(self._find_url() + path)
        except httpx.HTTPError:
            return  # the arena is gone, and what it kept with it
