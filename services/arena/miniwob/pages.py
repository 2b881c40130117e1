"""The package's files over HTTP, for browsers.

Invariant: only files that were listed at start can be asked for, by their exact path; everything else, a path with
".." in it too, is not found. Files are served as they are, but for core.js, which gets episode.js at its end.
"""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from services.arena import web
from services.arena.miniwob.package import Package

_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".gif": "image/gif",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
    ".woff": "font/woff",
}
_CORE = "/core/core.js"
_EPISODE = Path(__file__).with_name("episode.js")
# Sends a recording to a server of the package's own.
_LEFT_OUT = frozenset({"/core/record.js"})
_KEPT = {"cache-control": "public, max-age=3600"}


def pages_app(package: Package) -> Starlette:
    """The application: `/<page>.html`, and what the pages load from `/core` and `/common`."""
    files = listed(package)
    core = files.pop(_CORE).read_bytes() + b"\n" + _EPISODE.read_bytes()

    async def get(request: Request) -> Response:
        path = "/" + request.path_params["path"]
        if path == _CORE:
            return Response(core, media_type=_MEDIA_TYPES[".js"], headers=_KEPT)
        file = files.get(path)
        if file is None:
            return web.bare_page("Page not found", "There is no such page in MiniWoB++.", 404)
        return FileResponse(file, media_type=_MEDIA_TYPES[file.suffix], headers=_KEPT)

    return Starlette(routes=[Route("/{path:path}", get)])


def listed(package: Package) -> dict[str, Path]:
    """What is served: URL path to file."""
    files = {f"/{page}.html": package.root / "miniwob" / f"{page}.html" for page in package.pages}
    for top in ("core", "common"):
        for file in (package.root / top).rglob("*"):
            path = f"/{file.relative_to(package.root).as_posix()}"
            if file.suffix in _MEDIA_TYPES and path not in _LEFT_OUT and file.is_file() and not file.is_symlink():
                files[path] = file
    return files
