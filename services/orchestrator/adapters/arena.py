"""The arena's suite: tasks of seeded worlds, made by its control API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from services.orchestrator.ports import SuiteTask, SuiteUnavailable, UnknownSplit, UnknownTask

# Which worlds each split is drawn from; their names are disjoint.
_PARTITIONS = {"demo": "demo", "train": "train", "heldout-instances": "eval", "heldout-templates": "eval"}


class ArenaSuite:
    """Asks the arena; `find_url` tells where it is now."""

    environment = "arena"
    splits = tuple(_PARTITIONS)
    description = "Five built-in sites (shop, back office, forum, code host, wiki) in seeded worlds"

    def __init__(self, find_url: Callable[[], str], timeout_s: float = 60.0) -> None:
        self._find_url = find_url
        self._http = httpx.AsyncClient(timeout=timeout_s, trust_env=False)

    async def stop(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def tasks(self, split: str, world_seed: int, count: int) -> list[SuiteTask]:
        return await self._ask(split, {"world_seed": world_seed, **({"count": count} if count else {})})

    async def find(self, split: str, world_seed: int, task_ids: list[str]) -> list[SuiteTask]:
        found = []
        for task_id in task_ids:
            if not task_id.isdigit():
                raise UnknownTask(f"{task_id!r} is not an arena task id; list them with `ratchet suites tasks arena`")
            found += await self._ask(split, {"world_seed": world_seed, "task_id": task_id})
        return found

    async def _ask(self, split: str, query: dict[str, Any]) -> list[SuiteTask]:
        if split not in _PARTITIONS:
            raise UnknownSplit(f"the suite arena has no split {split!r}; it has {', '.join(_PARTITIONS)}", split=split)
        try:
            reply = await self._http.get(f"{self._find_url()}/suites/{split}", params=query)
        except httpx.HTTPError as error:
            raise SuiteUnavailable(f"the arena does not answer ({type(error).__name__}); is it up?") from error
        body: dict[str, Any] = reply.json()
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise UnknownTask(f"{body['error']['cause']}; {body['error']['next_step']}")
        if reply.is_error:
            raise SuiteUnavailable(f"the arena refused: {body['error']['cause']}; {body['error']['next_step']}")
        world = f"{_PARTITIONS[split]}/{body['world_seed']}"
        return [SuiteTask(task, world) for task in body["tasks"]]
