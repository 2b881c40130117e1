"""The arena's suite: tasks of seeded worlds, made by its control API."""

from __future__ import annotations

from typing import Any

from services.orchestrator.adapters.control import ControlSuite
from services.orchestrator.ports import SuiteTask, UnknownSplit, UnknownTask

# Which worlds each split is drawn from; their names are disjoint.
_PARTITIONS = {"demo": "demo", "train": "train", "heldout-instances": "eval", "heldout-templates": "eval"}


class ArenaSuite(ControlSuite):
    """The built-in sites."""

    environment = "arena"
    splits = tuple(_PARTITIONS)
    description = "Five built-in sites (shop, back office, forum, code host, wiki) in seeded worlds"

    def _checked(self, task_id: str) -> str:
        if not task_id.isdigit():
            raise UnknownTask(f"{task_id!r} is not an arena task id; list them with `ratchet suites tasks arena`")
        return task_id

    async def _ask(self, split: str, query: dict[str, Any]) -> list[SuiteTask]:
        if split not in _PARTITIONS:
            raise UnknownSplit(f"the suite arena has no split {split!r}; it has {', '.join(_PARTITIONS)}", split=split)
        body = await self._control.call("GET", f"/suites/{split}", params=query)
        world = f"{_PARTITIONS[split]}/{body['world_seed']}"
        return [SuiteTask(task, world) for task in body["tasks"]]
