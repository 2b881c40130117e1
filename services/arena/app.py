"""The ASGI applications: one per site. Every request is answered inside the episode that its header names."""

from __future__ import annotations

import traceback
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from services.arena import metrics, web
from services.arena.errors import UnknownResource
from services.arena.site import Site
from services.arena.state import Registry

EPISODE_HEADER = "x-arena-episode"
_STATIC = Path(__file__).parent / "static"


class EpisodeMiddleware:
    """Puts the episode's state into the scope, or answers 404 naming what is wrong with the header."""

    def __init__(self, app: ASGIApp, registry: Registry, site_key: str) -> None:
        self._app = app
        self._seconds = metrics.PAGE_SECONDS.labels(site_key)
        self._registry = registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        token = Headers(scope=scope).get(EPISODE_HEADER, "")
        if not token:
            page = web.bare_page("No episode", f"The request carries no {EPISODE_HEADER} header.", 404)
            await page(scope, receive, send)
            return
        try:
            scope["episode"] = self._registry.get(token)
        except UnknownResource as unknown:
            page = web.bare_page("Unknown episode", f"{unknown.cause}: {unknown.next_step}.", 404)
            await page(scope, receive, send)
            return
        with self._seconds.time():
            await self._app(scope, receive, send)


class CachedStatic(StaticFiles):
    """Static files that a browser context keeps for the length of an episode."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["cache-control"] = "public, max-age=3600"
        return response


def site_app(site: Site, registry: Registry) -> ASGIApp:
    """The application of one site."""
    app = Starlette(
        routes=[
            *site.routes,
            *web.account_routes(site),
            Mount("/static", CachedStatic(directory=_STATIC)),
        ],
        exception_handlers={HTTPException: _http_error, 500: _server_error},
    )
    app.state.site = site
    return EpisodeMiddleware(app, registry, site.key)


async def _http_error(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    heading = {404: "Page not found", 405: "Not possible here"}.get(status, "Something is wrong")
    return web.bare_page(heading, "This address does not lead anywhere. Go back and try another link.", status)


async def _server_error(_request: Request, error: Exception) -> Response:
    traceback.print_exception(error)
    return web.bare_page("Something went wrong", "The page could not be made. Please go back.", 500)
