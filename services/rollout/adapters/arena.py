"""The built-in sites: every attempt gets a copy-on-write world of its own from the arena's control API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx

from services.rollout.ports import BadTask, EnvironmentFailed, World


class ArenaEnvironment:
    """Speaks to the arena's control API; `find_url` tells where it is now."""

    def __init__(self, find_url: Callable[[], str], timeout_s: float = 30.0) -> None:
        self._find_url = find_url
        self._http = httpx.AsyncClient(timeout=timeout_s, trust_env=False)

    async def stop(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def open(self, world: str, task: dict[str, Any]) -> World:
        """A world is named `<partition>/<seed>`, e.g. "eval/1"."""
        partition, seed = _parse(world)
        logged_in = bool(task.get("require_login", True))
        body = {"partition": partition, "seed": seed, "logged_in": logged_in}
        made = await self._call("POST", "/episodes", json=body)
        sites: list[dict[str, str]] = list(made["sites"].values())
        return World(
            sites={site["display_url"]: site["url"] for site in sites},
            placeholders={site["placeholder"]: site["display_url"] for site in sites},
            headers=made["headers"],
            storage_state_json=json.dumps(made["storage_state"]),
            token=made["token"],
        )

    async def close(self, world: World) -> None:
        """Drops the world's state."""
        try:
            await self._http.delete(f"{self._find_url()}/episodes/{world.token}")
        except httpx.HTTPError:
            return  # the arena is gone, and the world with it

    async def expert(self, world: str, task: dict[str, Any], split: str) -> list[dict[str, Any]]:
        """The script that the arena made with the task."""
        _partition, seed = _parse(world)
        path = f"/tasks/{task['task_id']}/expert"
        answer = await self._call("GET", path, params={"split": split, "world_seed": seed})
        moves: list[dict[str, Any]] = answer["moves"]
        return moves

    async def _call(self, method: str, path: str, **kwargs: Any) -> dict[str, Any]:
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


def _parse(world: str) -> tuple[str, int]:
    partition, slash, seed = world.partition("/")
    if not slash or not seed.isdigit():
        raise BadTask(f"arena worlds are named <partition>/<seed>, e.g. eval/1; got {world!r}", world=world)
    return partition, int(seed)
