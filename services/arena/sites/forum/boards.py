"""The forum's boards: the front page, one board's threads in three orders, joining and leaving."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.web import NotFound, Visit

ORDERS = {
    "newest": ("Newest", "t.created DESC, t.id DESC"),
    "top": ("Top", "points DESC, t.id"),
    "comments": ("Most Commented", "num_comments DESC, points DESC, t.id"),
}
THREAD_COLUMNS = """
  t.*, u.username AS author, b.slug AS board_slug, b.name AS board_name,
  t.score + COALESCE((SELECT SUM(value) FROM forum_votes WHERE kind = 'thread' AND target_id = t.id), 0)
    AS points,
  (SELECT COUNT(*) FROM forum_comments WHERE thread_id = t.id) AS num_comments
  FROM forum_threads t JOIN forum_users u ON u.id = t.author_id JOIN forum_boards b ON b.id = t.board_id
"""
BOARD_COLUMNS = """
  b.*, u.username AS moderator,
  b.members + (SELECT COUNT(*) FROM forum_subscriptions WHERE board_id = b.id) AS num_members
  FROM forum_boards b JOIN forum_users u ON u.id = b.moderator_id
"""


def find(visit: Visit) -> sqlite3.Row:
    """The board the address names, or a 404 that says which one is missing."""
    slug = visit.params["slug"]
    board = visit.db.one(f"SELECT {BOARD_COLUMNS} WHERE b.slug = ?", slug)
    if board is None:
        raise NotFound(f"There is no board '{slug}'. The front page lists all boards.")
    return board


async def home(visit: Visit) -> Response:
    boards = visit.db.rows(f"SELECT {BOARD_COLUMNS} ORDER BY b.name")
    newest = visit.db.rows(f"SELECT {THREAD_COLUMNS} ORDER BY t.created DESC, t.id DESC LIMIT 4")
    return visit.render("forum/home.html", boards=boards, newest=newest)


async def board(visit: Visit) -> Response:
    found = find(visit)
    order = visit.query.get("sort", "newest")
    if order not in ORDERS:
        raise NotFound(f"Boards are not sorted by '{order}', only by {', '.join(ORDERS)}.")
    sql = f"SELECT {THREAD_COLUMNS} WHERE t.board_id = ? ORDER BY {ORDERS[order][1]}"
    return visit.render(
        "forum/board.html",
        board=found,
        subscribed=_subscribed(visit, found["id"]),
        page=visit.paged(sql, found["id"]),
        order=order,
        orders={key: title for key, (title, _) in ORDERS.items()},
    )


async def subscribe(visit: Visit) -> Response:
    """Join the board, or leave it when already in."""
    found = find(visit)
    if _subscribed(visit, found["id"]):
        sql, flash = "DELETE FROM forum_subscriptions WHERE user_id = ? AND board_id = ?", "You left"
    else:
        sql, flash = "INSERT INTO forum_subscriptions VALUES (?, ?)", "You joined"
    visit.db.write(sql, visit.user_id, found["id"])
    return visit.redirect(f"/boards/{found['slug']}", flash=f"{flash} {found['name']}.")


async def subscriptions(visit: Visit) -> Response:
    boards = visit.db.rows(
        f"SELECT {BOARD_COLUMNS} JOIN forum_subscriptions s ON s.board_id = b.id WHERE s.user_id = ? ORDER BY b.name",
        visit.user_id,
    )
    return visit.render("forum/subscriptions.html", boards=boards)


def _subscribed(visit: Visit, board_id: int) -> bool:
    if visit.user is None:
        return False
    sql = "SELECT 1 FROM forum_subscriptions WHERE user_id = ? AND board_id = ?"
    return visit.db.one(sql, visit.user_id, board_id) is not None
