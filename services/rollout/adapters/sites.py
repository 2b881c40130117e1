"""Hosted sites (a WebArena installation, someone's own application) under the URLs that configuration gives."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.rollout.ports import BadTask, EnvironmentFailed, World


class SitesEnvironment:
    """Nothing is set up or reset: the sites are what they are, and episodes share their state."""

    def __init__(self, sites: dict[str, str], storage_state_dir: str) -> None:
        self._sites = {placeholder: url.rstrip("/") for placeholder, url in sites.items()}
        self._states = Path(storage_state_dir) if storage_state_dir else None

    async def open(self, world: str, task: dict[str, Any]) -> World:
        """Sites keep their own URLs, from the imported suite (`world`, JSON) or from configuration."""
        sites = _read(world) or self._sites
        if not sites:
            raise EnvironmentFailed("no sites are configured; set sites in the [rollout] table of --config")
        return World(
            sites={_origin(url): _origin(url) for url in sites.values()},
            placeholders=sites,
            storage_state_json=self._storage_state(task),
        )

    async def close(self, world: World) -> None:
        """Nothing to forget."""

    async def intent(self, task: dict[str, Any], read: Callable[[str], Awaitable[str]]) -> str:
        """The task's own."""
        return str(task["intent"])

    async def expert(self, world: str, task: dict[str, Any], split: str) -> list[dict[str, Any]]:
        """There is none."""
        raise BadTask(f"task {task.get('task_id')} has no expert: only the arena's tasks have one")

    def _storage_state(self, task: dict[str, Any]) -> str:
        name = task.get("storage_state")
        if not name or not task.get("require_login"):
            return ""
        if self._states is None:
            raise EnvironmentFailed(f"the task needs {name}; set storage_state_dir in the [rollout] table of --config")
        # Only the file's own name counts: a task file does not choose directories.
        path = self._states / Path(name).name
        try:
            return path.read_text()
        except OSError as error:
            raise EnvironmentFailed(f"cannot read the storage state {path}: {error.strerror}") from error


def _read(world: str) -> dict[str, str]:
    try:
        sites = json.loads(world or "{}")
    except ValueError as error:
        raise BadTask(f"the world of a `sites` task is a JSON object of placeholder to URL, not {world!r}") from error
    return {str(placeholder): str(url).rstrip("/") for placeholder, url in sites.items()}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
