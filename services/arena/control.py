"""The control API: makes and drops episodes, hands out tasks and expert scripts. Never served to a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from services.arena import suite
from services.arena.app import EPISODE_HEADER
from services.arena.errors import ArenaError, BadInput, NotInstalled, TooManyEpisodes, UnknownResource
from services.arena.miniwob.control import MiniwobControl
from services.arena.miniwob.package import Package
from services.arena.names import Partition
from services.arena.sites import SITES
from services.arena.state import EpisodeState, Registry
from services.arena.world import Worlds


class EpisodeRequest(BaseModel):
    """Body of POST /episodes."""

    model_config = ConfigDict(extra="forbid")

    partition: Partition
    seed: int
    logged_in: bool = True


def control_app(
    registry: Registry, worlds: Worlds, urls: dict[str, str], package: Package | NotInstalled, miniwob_url: str
) -> Starlette:
    """The control application over one registry of episodes; `urls` are the sites' base addresses."""
    miniwob = MiniwobControl(package, miniwob_url, _number)
    sites = {
        key: {"url": url, "placeholder": SITES[key].placeholder, "display_url": SITES[key].display_url}
        for key, url in urls.items()
    }

    async def create_episode(request: Request) -> Response:
        try:
            wanted = EpisodeRequest.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "body"
            raise BadInput(
                f"{where}: {first['msg']}", 'send {"partition": "demo|train|eval", "seed": 1, "logged_in": true}'
            ) from error
        token = registry.create(worlds.get(wanted.partition, wanted.seed))
        episode = registry.get(token)
        state = storage_state(episode, urls) if wanted.logged_in else {"cookies": [], "origins": []}
        body = {"token": token, "headers": {EPISODE_HEADER: token}, "storage_state": state, "sites": sites}
        return JSONResponse(body, status_code=201)

    async def drop_episode(request: Request) -> Response:
        return JSONResponse({"dropped": registry.drop(request.path_params["token"])})

    async def get_suite(request: Request) -> Response:
        split = suite.split_named(request.path_params["split"])
        seed = _number(request, "world_seed", split.default_seed)
        if "task_id" in request.query_params:
            tasks = [suite.find(worlds, split, seed, _number(request, "task_id", 0))]
        else:
            tasks = suite.tasks(worlds, split, seed, _number(request, "count", split.default_count))
        body = {"split": split.name, "partition": split.partition, "world_seed": seed}
        return JSONResponse({**body, "tasks": [task.webarena() for task in tasks]})

    async def get_expert(request: Request) -> Response:
        split = suite.split_named(request.query_params.get("split", "train"))
        seed = _number(request, "world_seed", split.default_seed)
        task_id = request.path_params["task_id"]
        if not task_id.isdigit():
            raise BadInput(f"task id {task_id!r} is not a number", "use a task_id from GET /suites/{split}")
        task = suite.find(worlds, split, seed, int(task_id))
        return JSONResponse({"task_id": task.id, "moves": task.expert()})

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "num_episodes": len(registry), "sites": urls})

    return Starlette(
        routes=[
            Route("/episodes", _told(create_episode), methods=["POST"]),
            Route("/episodes/{token}", _told(drop_episode), methods=["DELETE"]),
            Route("/suites/{split}", _told(get_suite)),
            Route("/tasks/{task_id}/expert", _told(get_expert)),
            Route("/miniwob", _told(miniwob.site)),
            Route("/miniwob/suites/{split}", _told(miniwob.suite)),
            Route("/healthz", healthz),
        ]
    )


def _told(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def wrapped(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ArenaError as error:
            status = 400
            if isinstance(error, UnknownResource):
                status = 404
            elif isinstance(error, TooManyEpisodes):
                status = 429
            elif isinstance(error, NotInstalled):
                status = 503
            return JSONResponse({"error": {"cause": error.cause, "next_step": error.next_step}}, status_code=status)

    return wrapped


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit():
        raise BadInput(f"{name} is {text!r}, not a whole number", f"pass {name}=1, say")
    return int(text)


def storage_state(episode: EpisodeState, urls: dict[str, str]) -> dict[str, Any]:
    """Playwright's storage_state with a session per site, for its real host and for the shown one."""
    cookies: list[dict[str, Any]] = []
    for key, account in episode.world.accounts.items():
        site = SITES[key]
        sql = f"SELECT id FROM {site.user_table} WHERE username = ?"  # noqa: S608
        user = episode.one(sql, account.username)
        if user is None:
            raise UnknownResource(f"{key} has no user {account.username}", "this is a fault of its populate()")
        session_id = episode.open_session(key, int(user["id"]))
        cookies += [_cookie(site.cookie, session_id, url) for url in (urls[key], site.display_url)]
    return {"cookies": cookies, "origins": []}


def _cookie(name: str, value: str, url: str) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "domain": urlsplit(url).hostname,
        "path": "/",
        "expires": -1,
        "httpOnly": True,
        "secure": False,
        "sameSite": "Lax",
    }
