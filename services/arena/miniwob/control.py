"""MiniWoB++ in the control API: where its pages are served, and its tasks."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.arena.errors import NotInstalled
from services.arena.miniwob import tasks
from services.arena.miniwob.package import Package


class MiniwobControl:
    """Answers with NotInstalled's words where the package is missing."""

    def __init__(self, found: Package | NotInstalled, url: str, number: Callable[[Request, str, int], int]) -> None:
        self._found, self._url, self._number = found, url, number

    async def site(self, _request: Request) -> Response:
        """GET /miniwob: the one site of every episode."""
        self._package()
        return JSONResponse(
            {"url": self._url, "placeholder": tasks.PLACEHOLDER, "display_url": tasks.DISPLAY_URL},
        )

    async def suite(self, request: Request) -> Response:
        """GET /miniwob/suites/{split}: its tasks, or the one that `task_id` names."""
        package, split = self._package(), tasks.split_named(request.path_params["split"])
        seed = self._number(request, "world_seed", 1)
        if "task_id" in request.query_params:
            found = [tasks.find(package, split, seed, request.query_params["task_id"])]
        else:
            found = tasks.tasks(package, split, seed, self._number(request, "count", 0))
        body = {"split": split.name, "partition": split.name, "world_seed": seed}
        return JSONResponse({**body, "tasks": [task.webarena() for task in found]})

    def _package(self) -> Package:
        if isinstance(self._found, NotInstalled):
            raise NotInstalled(self._found.cause, self._found.next_step)
        return self._found
