"""Suites that the arena's control API lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from services.common.arena import ArenaControl
from services.orchestrator.ports import SuiteTask, SuiteUnavailable, UnknownTask


def control(find_url: Callable[[], str]) -> ArenaControl:
    """The arena as suites ask it. Raises UnknownTask and SuiteUnavailable."""
    return ArenaControl(find_url, UnknownTask, SuiteUnavailable, timeout_s=60.0)


class ControlSuite:
    """What such suites share; each says in `_ask` where its tasks are listed and which worlds are theirs."""

    def __init__(self, control: ArenaControl) -> None:
        self._control = control

    async def tasks(self, split: str, world_seed: int, count: int) -> list[SuiteTask]:
        return await self._ask(split, {"world_seed": world_seed, **({"count": count} if count else {})})

    async def find(self, split: str, world_seed: int, task_ids: list[str]) -> list[SuiteTask]:
        found = []
        for task_id in task_ids:
            found += await self._ask(split, {"world_seed": world_seed, "task_id": self._checked(task_id)})
        return found

    def _checked(self, task_id: str) -> str:
        """The id, if it can be one. Raises UnknownTask."""
        return task_id

    async def _ask(self, split: str, query: dict[str, Any]) -> list[SuiteTask]:
        raise NotImplementedError
