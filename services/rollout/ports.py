"""The world outside the agent loop: environments that set up a task's world and tear it down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.common.errors import FailedPrecondition, InvalidArgument


class EnvironmentFailed(FailedPrecondition):
    """The environment could not set up the task's world; the machinery failed, not the agent."""

    reason = "ENVIRONMENT_FAILED"


class BadTask(InvalidArgument):
    """The task cannot be run as it is written."""

    reason = "BAD_TASK"


@dataclass(frozen=True)
class World:
    """What a browser session needs to act in an episode's own world."""

    # Display URL of each site ("http://shop.test") to its real one.
    sites: dict[str, str]
    # Placeholder ("__SHOPPING__") to display URL.
    placeholders: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    storage_state_json: str = ""
    # What `close` needs to find the world again.
    token: str = ""

    def display(self, url: str) -> str:
        """A task's URL with its placeholder replaced. Raises BadTask for a placeholder without a site."""
        for placeholder, shown in self.placeholders.items():
            url = url.replace(placeholder, shown)
        if url.startswith("__"):
            raise BadTask(f"{url}: no site is configured for that placeholder; known: {sorted(self.placeholders)}")
        return url


class Environment(Protocol):
    """Sets up worlds for tasks; every open world is separate from every other."""

    async def open(self, world: str, task: dict[str, Any]) -> World:
        """A fresh world for one attempt. Raises EnvironmentFailed or BadTask."""

    async def close(self, world: World) -> None:
        """Forget the world. Idempotent; never raises for one that is gone."""

    async def intent(self, task: dict[str, Any], read: Callable[[str], Awaitable[str]]) -> str:
        """What the agent is asked to do, once its session shows the start page.

        `read` evaluates a JavaScript expression in that page, for environments whose pages make the intent.
        Raises EnvironmentFailed where the page does not say.
        """

    async def expert(self, world: str, task: dict[str, Any], split: str) -> list[dict[str, Any]]:
        """The moves that solve the task. Raises BadTask where the environment knows none."""
