"""MiniWoB++: static pages that the arena serves; the session's seed is in the task's URL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from services.common.arena import ArenaControl
from services.rollout.ports import BadTask, EnvironmentFailed, World

# The package's own reading of the line at the top of the page; some pages give its fields with it.
_UTTERANCE = "(said => typeof said === 'string' ? said : said.utterance)(core.getUtterance())"


class MiniwobEnvironment:
    """Nothing is set up: an episode lives in its page, and in the storage of its session."""

    def __init__(self, control: ArenaControl) -> None:
        self._control = control

    async def open(self, world: str, task: dict[str, Any]) -> World:
        """The pages' one site. Raises EnvironmentFailed, with what to install, where the package is missing."""
        site = await self._control.call("GET", "/miniwob")
        return World(
            sites={site["display_url"]: site["url"]},
            placeholders={site["placeholder"]: site["display_url"]},
        )

    async def close(self, world: World) -> None:
        """Nothing to forget."""

    async def intent(self, task: dict[str, Any], read: Callable[[str], Awaitable[str]]) -> str:
        """The page's utterance, which it makes from its seed."""
        utterance = (await read(_UTTERANCE)).strip()
        if not utterance:
            raise EnvironmentFailed(f"the page of task {task.get('task_id')} says nothing about what to do")
        return utterance

    async def expert(self, world: str, task: dict[str, Any], split: str) -> list[dict[str, Any]]:
        """There is none."""
        raise BadTask(f"task {task.get('task_id')} has no expert: only the arena's tasks have one")
