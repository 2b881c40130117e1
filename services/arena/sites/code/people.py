"""People: a user's page, following, the reader's own profile and todos, and the search over everything."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.code import issues, merges, projects
from services.arena.web import NotFound, Visit


def find(visit: Visit) -> sqlite3.Row:
    """The user that the address names, or a 404."""
    username = visit.params["username"]
    person = visit.db.one("SELECT * FROM code_users WHERE username = ?", username)
    if person is None:
        raise NotFound(f"There is no user '{username}'. Search finds users by name.")
    return person


async def user(visit: Visit) -> Response:
    person = find(visit)
    reader = projects.reader(visit)
    sql = f"SELECT {projects.COLUMNS} WHERE p.owner_id = ? AND {projects.SEEN} ORDER BY p.name"
    followed = visit.db.one("SELECT 1 FROM code_follows WHERE user_id = ? AND followed_id = ?", reader, person["id"])
    return visit.render(
        "code/user.html",
        person=person,
        page=visit.paged(sql, person["id"], reader),
        followed=followed is not None,
        mine=person["id"] == reader,
    )


async def me(visit: Visit) -> Response:
    return visit.redirect(f"/users/{_reader(visit)['username']}")


def _reader(visit: Visit) -> sqlite3.Row:
    person = visit.db.one("SELECT * FROM code_users WHERE id = ?", visit.user_id)
    if person is None:
        raise NotFound("Your account is gone. Please sign in again.")
    return person


async def follow(visit: Visit) -> Response:
    """Follow the user, or stop following."""
    person = find(visit)
    where = (visit.user_id, person["id"])
    if visit.db.one("SELECT 1 FROM code_follows WHERE user_id = ? AND followed_id = ?", *where):
        sql, flash = "DELETE FROM code_follows WHERE user_id = ? AND followed_id = ?", "You no longer follow"
    else:
        sql, flash = "INSERT INTO code_follows VALUES (?, ?)", "You follow"
    visit.db.write(sql, *where)
    return visit.redirect(f"/users/{person['username']}", flash=f"{flash} {person['username']}.")


async def profile(visit: Visit) -> Response:
    person = _reader(visit)
    if not visit.is_post:
        return visit.render("code/profile.html", person=person)
    form = await visit.form()
    visit.db.write(
        "UPDATE code_users SET status = ?, bio = ?, location = ? WHERE id = ?",
        form.get("status", ""),
        form.get("bio", ""),
        form.get("location", ""),
        visit.user_id,
    )
    return visit.redirect(f"/users/{person['username']}", flash="Your profile was saved.")


async def todos(visit: Visit) -> Response:
    done = visit.query.get("state") == "done"
    page = visit.paged(
        f"SELECT t.id AS todo_id, t.reason, {issues.COLUMNS} JOIN code_todos t ON t.issue_id = i.id"
        " WHERE t.user_id = ? AND t.done = ? ORDER BY i.created DESC, i.id DESC",
        visit.user_id,
        int(done),
    )
    return visit.render("code/todos.html", page=page, done=done)


async def finish_todo(visit: Visit) -> Response:
    number = visit.params["number"]
    visit.db.write("UPDATE code_todos SET done = 1 WHERE id = ? AND user_id = ?", number, visit.user_id)
    return visit.redirect("/todos", flash="The todo is done.")


async def search(visit: Visit) -> Response:
    """Projects, users, merge requests and issues that have all the words, as far as the reader may see them."""
    text = visit.query.get("q", "")
    words = text.lower().split() or [""]
    reader = projects.reader(visit)

    def matching(columns: str, column: str, limit: int) -> list[sqlite3.Row]:
        sql = f"SELECT {columns} WHERE {_all(column, words)} AND {projects.SEEN} ORDER BY {column} LIMIT {limit}"
        return visit.db.rows(sql, *words, reader)

    people = f"SELECT * FROM code_users WHERE {_all('username', words)} ORDER BY username LIMIT 3"  # noqa: S608
    return visit.render(
        "code/search.html",
        text=text,
        projects=matching(projects.COLUMNS, "p.name", 3),
        people=visit.db.rows(people, *words),
        merges=matching(merges.COLUMNS, "r.title", 3),
        page=visit.paged(
            f"SELECT {issues.COLUMNS} WHERE {_all('i.title', words)} AND {projects.SEEN} ORDER BY i.id DESC",
            *words,
            reader,
        ),
    )


def _all(column: str, words: list[str]) -> str:
    return " AND ".join([f"INSTR(LOWER({column}), ?)"] * len(words))
