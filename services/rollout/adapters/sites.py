"""Hosted sites (a WebArena installation, someone's own application) under the URLs that configuration gives."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.common import ids
from services.rollout.adapters.login import sign_in
from services.rollout.adapters.replicas import Leases
from services.rollout.ports import BadTask, EnvironmentFailed, World
from services.rollout.settings import Login, Replica


class SitesEnvironment:
    """A site with replicas is leased and reset for each episode that names it, and out of reach for others.

    A site without any is what it is: episodes share its state.
    """

    def __init__(self, sites: dict[str, str], storage_state_dir: str, leases: Leases, logins: Iterable[Login]) -> None:
        self._sites = {placeholder: url.rstrip("/") for placeholder, url in sites.items()}
        self._states = Path(storage_state_dir) if storage_state_dir else None
        self._leases = leases
        self._logins = {login.site.rstrip("/"): login for login in logins}
        self._held: dict[str, list[Replica]] = {}

    async def open(self, world: str, task: dict[str, Any]) -> World:
        """Sites keep their own URLs, from the imported suite (`world`, JSON) or from configuration."""
        sites = _read(world) or self._sites
        if not sites:
            raise EnvironmentFailed("no sites are configured; set sites in the [rollout] table of --config")
        named = {sites[key] for key in map(_placeholder, task.get("sites", ())) if key in sites}
        held = await self._leases.acquire(named)
        token = ids.new_id()
        self._held[token] = list(held.values())
        try:
            shown = {url for url in sites.values() if url in held or not self._leases.has(url)}
            real = {url: held[url].url.rstrip("/") if url in held else url for url in shown}
            return World(
                sites={_origin(url): _origin(real[url]) for url in shown},
                placeholders={key: url for key, url in sites.items() if url in shown},
                storage_state_json=await self._signed_in(task, {url: real[url] for url in named}),
                token=token,
            )
        except BaseException:
            await self._leases.release(self._held.pop(token))
            raise

    async def close(self, world: World) -> None:
        """Reset the episode's replicas and hand them on."""
        await self._leases.release(self._held.pop(world.token, []))

    async def intent(self, task: dict[str, Any], read: Callable[[str], Awaitable[str]]) -> str:
        """The task's own."""
        return str(task["intent"])

    async def expert(self, world: str, task: dict[str, Any], split: str) -> list[dict[str, Any]]:
        """There is none."""
        raise BadTask(f"task {task.get('task_id')} has no expert: only the arena's tasks have one")

    async def _signed_in(self, task: dict[str, Any], real: dict[str, str]) -> str:
        """Storage state for a task that needs one: fresh sessions where a login is configured, else its file."""
        if not task.get("require_login"):
            return ""
        if scripted := [site for site in sorted(real) if site in self._logins]:
            cookies = [cookie for site in scripted for cookie in await sign_in(self._logins[site], real[site])]
            return json.dumps({"cookies": cookies, "origins": []})
        name = task.get("storage_state")
        if not name:
            return ""
        if self._states is None:
            raise EnvironmentFailed(
                f"the task needs {name}; set storage_state_dir, or a login for its site, "
                "in the [rollout] table of --config"
            )
        # Only the file's own name counts: a task file does not choose directories.
        path = self._states / Path(name).name
        try:
            return path.read_text()
        except OSError as error:
            raise EnvironmentFailed(f"cannot read the storage state {path}: {error.strerror}") from error


def _placeholder(site: str) -> str:
    return f"__{site.upper()}__"


def _read(world: str) -> dict[str, str]:
    try:
        sites = json.loads(world or "{}")
    except ValueError as error:
        raise BadTask(f"the world of a `sites` task is a JSON object of placeholder to URL, not {world!r}") from error
    return {str(placeholder): str(url).rstrip("/") for placeholder, url in sites.items()}


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
