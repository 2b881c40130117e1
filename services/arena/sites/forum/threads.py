"""Threads and what is done to them: reading, writing, editing, commenting, voting, saving.

A vote is a row that the same button takes back; the opposite button turns it round.
"""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.forum import boards
from services.arena.web import PER_PAGE, NotFound, Visit

VOTES = {"up": 1, "down": -1}
COMMENTS = """
  SELECT c.*, u.username AS author, v.value AS vote,
  c.score + COALESCE((SELECT SUM(value) FROM forum_votes WHERE kind = 'comment' AND target_id = c.id), 0)
    AS points
  FROM forum_comments c JOIN forum_users u ON u.id = c.author_id
  LEFT JOIN forum_votes v ON v.kind = 'comment' AND v.target_id = c.id AND v.user_id = ?
  WHERE c.thread_id = ? ORDER BY c.id
"""


def find(visit: Visit) -> sqlite3.Row:
    """The thread the address names, or a 404 that says which one is missing."""
    number = visit.params["number"]
    thread = visit.db.one(f"SELECT {boards.THREAD_COLUMNS} WHERE t.id = ?", number)
    if thread is None:
        raise NotFound(f"There is no thread {number}. It may have been deleted.")
    return thread


async def thread(visit: Visit) -> Response:
    found = find(visit)
    reader = visit.user_id if visit.user else 0
    vote = visit.db.one(
        "SELECT value FROM forum_votes WHERE kind = 'thread' AND target_id = ? AND user_id = ?",
        found["id"],
        reader,
    )
    saved = visit.db.one("SELECT 1 FROM forum_saved WHERE thread_id = ? AND user_id = ?", found["id"], reader)
    return visit.render(
        "forum/thread.html",
        thread=found,
        page=visit.paged(COMMENTS, reader, found["id"]),
        vote=vote["value"] if vote else 0,
        saved=saved is not None,
        mine=found["author_id"] == reader,
    )


async def new(visit: Visit) -> Response:
    board = boards.find(visit)
    if not visit.is_post:
        return visit.render("forum/thread_form.html", board=board, thread=None, error="")
    form = await visit.form()
    title, body = form.get("title", ""), form.get("body", "")
    if not title:
        typed, error = {"title": title, "body": body}, "A thread needs a title."
        return visit.render("forum/thread_form.html", status=422, board=board, thread=typed, error=error)
    number = visit.db.write(
        "INSERT INTO forum_threads(board_id, author_id, title, body, created, score) VALUES (?,?,?,?,?,1)",
        board["id"],
        visit.user_id,
        title,
        body,
        visit.today.isoformat(),
    )
    return visit.redirect(f"/threads/{number}", flash="Your thread was posted.")


def _own(visit: Visit) -> sqlite3.Row:
    found = find(visit)
    if found["author_id"] != visit.user_id:
        raise NotFound(f"Thread {found['id']} is not yours to change. Your profile lists your threads.")
    return found


async def edit(visit: Visit) -> Response:
    found = _own(visit)
    if not visit.is_post:
        return visit.render("forum/thread_edit.html", thread=found)
    form = await visit.form()
    visit.db.write("UPDATE forum_threads SET body = ? WHERE id = ?", form.get("body", ""), found["id"])
    return visit.redirect(f"/threads/{found['id']}", flash="Your thread was changed.")


async def delete(visit: Visit) -> Response:
    found = _own(visit)
    visit.db.write("DELETE FROM forum_comments WHERE thread_id = ?", found["id"])
    visit.db.write("DELETE FROM forum_saved WHERE thread_id = ?", found["id"])
    visit.db.write("DELETE FROM forum_threads WHERE id = ?", found["id"])
    return visit.redirect(f"/boards/{found['board_slug']}", flash=f"You deleted {found['title']}.")


async def comment(visit: Visit) -> Response:
    found = find(visit)
    body = (await visit.form()).get("body", "")
    if not body:
        return visit.redirect(f"/threads/{found['id']}", flash="Your comment was empty, so it was not posted.")
    visit.db.write(
        "INSERT INTO forum_comments(thread_id, author_id, body, created, score) VALUES (?,?,?,?,1)",
        found["id"],
        visit.user_id,
        body,
        visit.today.isoformat(),
    )
    # The newest comment is on the last page: show it.
    last = 1 + found["num_comments"] // PER_PAGE
    page = f"?page={last}" if last > 1 else ""
    return visit.redirect(f"/threads/{found['id']}{page}", flash="Your comment was posted.")


async def vote(visit: Visit) -> Response:
    found = find(visit)
    form = await visit.form()
    flash = _cast(visit, "thread", found["id"], form.get("vote", ""))
    return visit.redirect(f"/threads/{found['id']}", flash=f"{flash} {found['title']}.")


async def vote_comment(visit: Visit) -> Response:
    number = visit.params["number"]
    found = visit.db.one(
        "SELECT c.*, u.username AS author FROM forum_comments c JOIN forum_users u ON u.id = c.author_id"
        " WHERE c.id = ?",
        number,
    )
    if found is None:
        raise NotFound(f"There is no comment {number}. It may have been deleted.")
    form = await visit.form()
    flash = _cast(visit, "comment", found["id"], form.get("vote", ""))
    return visit.redirect(f"/threads/{found['thread_id']}", flash=f"{flash} the comment by {found['author']}.")


def _cast(visit: Visit, kind: str, target: int, direction: str) -> str:
    """Record the vote and say what happened; a second vote the same way takes the first one back."""
    if direction not in VOTES:
        raise NotFound(f"A vote is up or down, not '{direction}'.")
    where = (visit.user_id, kind, target)
    before = visit.db.one("SELECT value FROM forum_votes WHERE user_id = ? AND kind = ? AND target_id = ?", *where)
    visit.db.write("DELETE FROM forum_votes WHERE user_id = ? AND kind = ? AND target_id = ?", *where)
    if before is not None and before["value"] == VOTES[direction]:
        return "You took back your vote on"
    visit.db.write("INSERT INTO forum_votes VALUES (?,?,?,?)", *where, VOTES[direction])
    return f"You {direction}voted"


async def save(visit: Visit) -> Response:
    """Keep the thread in the reader's saved list, or drop it when it is there already."""
    found = find(visit)
    where = (visit.user_id, found["id"])
    if visit.db.one("SELECT 1 FROM forum_saved WHERE user_id = ? AND thread_id = ?", *where):
        sql, flash = "DELETE FROM forum_saved WHERE user_id = ? AND thread_id = ?", "You no longer save"
    else:
        sql, flash = "INSERT INTO forum_saved VALUES (?, ?)", "You saved"
    visit.db.write(sql, *where)
    return visit.redirect(f"/threads/{found['id']}", flash=f"{flash} {found['title']}.")


async def saved(visit: Visit) -> Response:
    sql = (
        f"SELECT {boards.THREAD_COLUMNS} JOIN forum_saved s ON s.thread_id = t.id"
        " WHERE s.user_id = ? ORDER BY t.created DESC, t.id DESC"
    )
    return visit.render("forum/saved.html", page=visit.paged(sql, visit.user_id))
