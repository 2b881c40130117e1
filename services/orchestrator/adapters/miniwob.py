"""The MiniWoB++ suite: seeded instances of the package's pages, listed by the arena's control API."""

from __future__ import annotations

from typing import Any

from services.orchestrator.adapters.control import ArenaControl
from services.orchestrator.ports import SuiteTask, UnknownSplit


class MiniwobSuite:
    """The pages of the package `miniwob`; SuiteUnavailable, with what to install, where it is missing."""

    environment = "miniwob"
    # "left-out": pages that no action of the grammar can solve, for whoever asks for them.
    splits: tuple[str, ...] = ("train", "heldout-instances", "heldout-templates", "left-out")
    description = "MiniWoB++: one-page tasks with rewards of their own (needs the extra `miniwob`)"

    def __init__(self, control: ArenaControl) -> None:
        self._control = control

    async def tasks(self, split: str, world_seed: int, count: int) -> list[SuiteTask]:
        return await self._ask(split, {"world_seed": world_seed, **({"count": count} if count else {})})

    async def find(self, split: str, world_seed: int, task_ids: list[str]) -> list[SuiteTask]:
        found = []
        for task_id in task_ids:
            found += await self._ask(split, {"world_seed": world_seed, "task_id": task_id})
        return found

    async def _ask(self, split: str, query: dict[str, Any]) -> list[SuiteTask]:
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise UnknownSplit(f"the suite miniwob has no split {split!r}; it has {known}", split=split)
        body = await self._control.get(f"/miniwob/suites/{split}", query)
        return [SuiteTask(task, f"{split}/{body['world_seed']}") for task in body["tasks"]]
