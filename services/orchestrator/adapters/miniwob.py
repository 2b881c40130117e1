"""The MiniWoB++ suite: seeded instances of the package's pages, listed by the arena's control API."""

from __future__ import annotations

from typing import Any

from services.orchestrator.adapters.control import ControlSuite
from services.orchestrator.ports import SuiteTask, UnknownSplit


class MiniwobSuite(ControlSuite):
    """The pages of the package `miniwob`; SuiteUnavailable, with what to install, where it is missing."""

    environment = "miniwob"
    # "left-out": pages that no action of the grammar can solve, for whoever asks for them.
    splits: tuple[str, ...] = ("train", "heldout-instances", "heldout-templates", "left-out")
    description = "MiniWoB++: one-page tasks with rewards of their own (needs the extra `miniwob`)"

    async def _ask(self, split: str, query: dict[str, Any]) -> list[SuiteTask]:
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise UnknownSplit(f"the suite miniwob has no split {split!r}; it has {known}", split=split)
        body = await self._control.call("GET", f"/miniwob/suites/{split}", params=query)
        return [SuiteTask(task, f"{split}/{body['world_seed']}") for task in body["tasks"]]
