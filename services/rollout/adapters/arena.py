"""The built-in sites: every attempt gets a copy-on-write world of its own from the arena's control API."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from services.common.arena import ArenaControl
from services.rollout.ports import BadTask, World


class ArenaEnvironment:
    """Speaks to the arena's control API."""

    def __init__(self, control: ArenaControl) -> None:
        self._control = control

    async def open(self, world: str, task: dict[str, Any]) -> World:
        """A world is named `<partition>/<seed>`, e.g. "eval/1"."""
        partition, seed = _parse(world)
        logged_in = bool(task.get("require_login", True))
        body = {"partition": partition, "seed": seed, "logged_in": logged_in}
        made = await self._control.call("POST", "/episodes", json=body)
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
        await self._control.forget(f"/episodes/{world.token}")

    async def intent(self, task: dict[str, Any], read: Callable[[str], Awaitable[str]]) -> str:
        """The task's own."""
        return str(task["intent"])

    async def expert(self, world: str, task: dict[str, Any], split: str) -> list[dict[str, Any]]:
        """The script that the arena made with the task."""
        _partition, seed = _parse(world)
        path = f"/tasks/{task['task_id']}/expert"
        answer = await self._control.call("GET", path, params={"split": split, "world_seed": seed})
        moves: list[dict[str, Any]] = answer["moves"]
        return moves


def _parse(world: str) -> tuple[str, int]:
    partition, slash, seed = world.partition("/")
    if not slash or not seed.isdigit():
        raise BadTask(f"arena worlds are named <partition>/<seed>, e.g. eval/1; got {world!r}", world=world)
    return partition, int(seed)
