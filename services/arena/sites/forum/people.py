"""The forum's people: a member's page, the reader's own profile, and the search over everything."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.forum import boards
from services.arena.web import NotFound, Visit


async def user(visit: Visit) -> Response:
    username = visit.params["username"]
    person = visit.db.one("SELECT * FROM forum_users WHERE username = ?", username)
    if person is None:
        raise NotFound(f"There is no member '{username}'. Search finds members by name.")
    sql = f"SELECT {boards.THREAD_COLUMNS} WHERE t.author_id = ? ORDER BY t.created DESC, t.id DESC"
    page = visit.paged(sql, person["id"])
    return visit.render(
        "forum/user.html",
        person=person,
        page=page,
        num_threads=page.num_items,
        num_comments=visit.db.count("SELECT COUNT(*) FROM forum_comments WHERE author_id = ?", person["id"]),
        mine=visit.user is not None and visit.user["id"] == person["id"],
    )


async def me(visit: Visit) -> Response:
    person = _reader(visit)
    return visit.redirect(f"/users/{person['username']}")


async def profile(visit: Visit) -> Response:
    person = _reader(visit)
    if not visit.is_post:
        return visit.render("forum/profile.html", person=person)
    form = await visit.form()
    visit.db.write(
        "UPDATE forum_users SET bio = ?, location = ? WHERE id = ?",
        form.get("bio", ""),
        form.get("location", ""),
        visit.user_id,
    )
    return visit.redirect(f"/users/{person['username']}", flash="Your profile was saved.")


def _reader(visit: Visit) -> sqlite3.Row:
    person = visit.db.one("SELECT * FROM forum_users WHERE id = ?", visit.user_id)
    if person is None:
        raise NotFound("Your account is gone. Please sign in again.")
    return person


async def search(visit: Visit) -> Response:
    """Threads whose title has all the words, then boards and members whose name has them."""
    text = visit.query.get("q", "").strip()
    words = text.lower().split() or [""]
    matching = f"SELECT {boards.THREAD_COLUMNS} WHERE {_all('t.title', words)} ORDER BY t.created DESC, t.id DESC"
    found = visit.db.rows(f"SELECT {boards.BOARD_COLUMNS} WHERE {_all('b.name', words)} ORDER BY b.name", *words)
    members = f"SELECT * FROM forum_users WHERE {_all('username', words)} ORDER BY username LIMIT 4"  # noqa: S608
    people = visit.db.rows(members, *words)
    return visit.render(
        "forum/search.html", text=text, page=visit.paged(matching, *words), boards=found[:4], people=people
    )


def _all(column: str, words: list[str]) -> str:
    return " AND ".join([f"INSTR(LOWER({column}), ?)"] * len(words))
