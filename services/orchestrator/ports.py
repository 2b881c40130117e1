"""The world outside the orchestrator: where suites of tasks come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from services.common.errors import FailedPrecondition, NotFound


class SuiteUnavailable(FailedPrecondition):
    """The place that makes the suite's tasks does not answer."""

    reason = "SUITE_UNAVAILABLE"


class UnknownSplit(NotFound):
    """The suite has no such split."""

    reason = "UNKNOWN_SPLIT"


class UnknownTask(NotFound):
    """The split has no such task."""

    reason = "UNKNOWN_TASK"


@dataclass(frozen=True)
class SuiteTask:
    """A task and the world that it is to be run in."""

    task: dict[str, Any]
    # Handed to the environment; see the rollout room.
    world: str

    @property
    def id(self) -> str:
        """WebArena's task_id, as text."""
        return str(self.task["task_id"])

    @property
    def key(self) -> str:
        """The task as comparisons name it; a trajectory has the same."""
        return f"{self.world}:{self.id}"

    @property
    def json(self) -> str:
        """The task as it travels."""
        return json.dumps(self.task, sort_keys=True)


class SuiteSource(Protocol):
    """A named suite."""

    environment: str
    splits: tuple[str, ...]
    description: str

    async def tasks(self, split: str, world_seed: int, count: int) -> list[SuiteTask]:
        """Tasks of a split in a stable order; `count` 0 gives all. Raises UnknownSplit, SuiteUnavailable."""

    async def find(self, split: str, world_seed: int, task_ids: list[str]) -> list[SuiteTask]:
        """Those tasks. Raises UnknownTask naming the first that is missing."""
