"""The shop's pages."""

from __future__ import annotations

from starlette.responses import Response

from services.arena import web
from services.arena.web import Visit


async def home(visit: Visit) -> Response:
    """The front page."""
    return visit.render("shop/home.html")


ROUTES = [web.route("/", home)]
