"""What the sites share: a request as a Visit, rendering, paging, signing in, and error pages."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from services.arena.state import EpisodeState, Session

if TYPE_CHECKING:
    from services.arena.site import Site

PER_PAGE = 8


class NotFound(Exception):
    """Raised by a view for a page that does not exist; the message is shown."""


@dataclass
class Page:
    """One page of a list, with the addresses of its neighbours ("" where there is none)."""

    items: Sequence[sqlite3.Row]
    number: int
    num_pages: int
    num_items: int
    previous_url: str
    next_url: str


@dataclass
class Visit:
    """One request to one site within one episode."""

    request: Request
    site: Site
    db: EpisodeState
    session_id: str
    session: Session
    user: sqlite3.Row | None
    new_session: bool = field(default=False)

    @property
    def query(self) -> dict[str, str]:
        """The URL's query parameters."""
        return dict(self.request.query_params)

    @property
    def params(self) -> dict[str, str]:
        """The route's path parameters, as text."""
        return {key: str(value) for key, value in self.request.path_params.items()}

    @property
    def path(self) -> str:
        return self.request.url.path

    @property
    def is_post(self) -> bool:
        return self.request.method == "POST"

    @property
    def today(self) -> date:
        return self.db.world.today

    @property
    def user_id(self) -> int:
        """The signed-in user's id; only for views behind login."""
        if self.user is None:
            raise NotFound("Please sign in first.")
        return int(self.user["id"])

    async def form(self) -> dict[str, str]:
        """The posted fields, stripped; of a repeated field the last (see `form_list`)."""
        posted = await self.request.form()
        return {key: value.strip() for key, value in posted.items() if isinstance(value, str)}

    async def form_list(self, name: str) -> list[str]:
        """Every posted value of one field (check boxes)."""
        posted = await self.request.form()
        return [value for value in posted.getlist(name) if isinstance(value, str)]

    def flash(self, message: str) -> None:
        """Say `message` on the next page that this session renders."""
        self.session.flashes.append(message)

    def redirect(self, path: str, flash: str = "") -> Response:
        """Send the browser to `path` with GET (after a POST: no double submission)."""
        if flash:
            self.flash(flash)
        return RedirectResponse(path, status_code=303)

    def render(self, template: str, *, status: int = 200, **context: object) -> Response:
        """An HTML page from a site's template."""
        flashes, self.session.flashes = self.session.flashes, []
        html = (
            _environment()
            .get_template(template)
            .render(visit=self, site=self.site, user=self.user, today=self.today, flashes=flashes, **context)
        )
        return HTMLResponse(html, status_code=status)

    def not_found(self, message: str) -> Response:
        """The site's 404 page."""
        return self.render("error.html", status=404, heading="Page not found", message=message)

    def paged(self, sql: str, *args: object, per_page: int = PER_PAGE) -> Page:
        """The page of `sql`'s rows that the query parameter `page` asks for (out of range: the nearest)."""
        num_items = self.db.count(f"SELECT COUNT(*) FROM ({sql})", *args)  # noqa: S608
        num_pages = max(1, math.ceil(num_items / per_page))
        wanted = self.query.get("page", "1")
        number = min(max(int(wanted) if wanted.isascii() and wanted.isdigit() else 1, 1), num_pages)
        items = self.db.rows(f"{sql} LIMIT {per_page} OFFSET {(number - 1) * per_page}", *args)
        return Page(
            items,
            number,
            num_pages,
            num_items,
            self.url_with(page=number - 1) if number > 1 else "",
            self.url_with(page=number + 1) if number < num_pages else "",
        )

    def url_with(self, **changes: object) -> str:
        """This page's address with some query parameters changed (None removes one)."""
        query: dict[str, object] = {**self.query, **changes}
        kept = {key: value for key, value in query.items() if value is not None}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path


View = Callable[[Visit], Awaitable[Response]]


def route(path: str, view: View, methods: tuple[str, ...] = ("GET",), *, login: bool = False) -> Route:
    """A site's route; `login=True` sends visitors without a session to /login and back."""

    async def endpoint(request: Request) -> Response:
        visit = _visit(request)
        try:
            if visit.user is None and (login or visit.site.login_everywhere) and path != "/login":
                response = visit.redirect("/login?" + urlencode({"next": _here(request)}))
            else:
                response = await view(visit)
        except NotFound as missing:
            response = visit.not_found(str(missing))
        if visit.new_session and visit.session.flashes:
            visit.db.sessions[visit.site.key, visit.session_id] = visit.session
            set_cookie(response, visit.site, visit.session_id)
        return response

    return Route(path, endpoint, methods=list(methods), name=f"{path}")


def _here(request: Request) -> str:
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _visit(request: Request) -> Visit:
    site: Site = request.app.state.site
    episode: EpisodeState = request.scope["episode"]
    session_id = request.cookies.get(site.cookie, "")
    session = episode.sessions.get((site.key, session_id))
    if session is None:
        session_id = episode.open_session(site.key)
        session = episode.sessions.pop((site.key, session_id))
        return Visit(request, site, episode, session_id, session, None, new_session=True)
    user = None
    if site.user_table and session.user_id is not None:
        user = episode.one(f"SELECT * FROM {site.user_table} WHERE id = ?", session.user_id)  # noqa: S608
    return Visit(request, site, episode, session_id, session, user)


def set_cookie(response: Response, site: Site, session_id: str) -> None:
    """Give the browser its session on this site."""
    response.set_cookie(site.cookie, session_id, httponly=True, samesite="lax")


async def login(visit: Visit) -> Response:
    """The sign-in form, and signing in."""
    target = visit.query.get("next", "/")
    target = target if target.startswith("/") and not target.startswith("//") else "/"
    form = await visit.form() if visit.is_post else {}
    if visit.is_post:
        sql = f"SELECT * FROM {visit.site.user_table} WHERE username = ? AND password = ?"  # noqa: S608
        user = visit.db.one(sql, form.get("username", ""), form.get("password", ""))
        if user is not None:
            session_id = visit.db.open_session(visit.site.key, int(user["id"]))
            visit.db.sessions[visit.site.key, session_id].flashes.append(f"Welcome back, {user['name']}.")
            response: Response = RedirectResponse(target, status_code=303)
            set_cookie(response, visit.site, session_id)
            return response
        visit.flash("That user name and password do not match. Please try again.")
    return visit.render("login.html", status=422 if visit.is_post else 200, form=form)


async def logout(visit: Visit) -> Response:
    """End the session."""
    visit.db.sessions.pop((visit.site.key, visit.session_id), None)
    response = visit.render("signed_out.html") if not visit.site.login_everywhere else visit.redirect("/login")
    response.delete_cookie(visit.site.cookie)
    return response


def account_routes(site: Site) -> list[Route]:
    """/login and /logout for sites with accounts."""
    if not site.user_table:
        return []
    return [route("/login", login, ("GET", "POST")), route("/logout", logout)]


def money(cents: int) -> str:
    """`$1,234.50` from cents."""
    return f"${cents / 100:,.2f}"


def long_date(iso: str | date) -> str:
    """`Mar 5, 2026` from `2026-03-05`."""
    day = date.fromisoformat(iso[:10]) if isinstance(iso, str) else iso
    return f"{day.strftime('%b')} {day.day}, {day.year}"


def plural(count: int, noun: str) -> str:
    """`1 item`, `2 items`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    here = Path(__file__).parent
    folders = [here / "templates", *sorted((here / "sites").glob("*/templates"))]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(zip=zip)
    environment.filters.update(money=money, long_date=long_date, plural=plural)
    return environment


def bare_page(heading: str, message: str, status: int) -> Response:
    """An error page for requests that belong to no episode (so no site can be rendered)."""
    html = _environment().get_template("bare.html").render(heading=heading, message=message)
    return HTMLResponse(html, status_code=status)
