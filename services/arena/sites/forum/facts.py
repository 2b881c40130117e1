"""Facts of a forum's world that its task templates draw on, and the ways to a page that they share."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.names import Names
from services.arena.task import Check, Move, click, fill, page_has, text_of

if TYPE_CHECKING:
    from services.arena.world import World

SITE = "__REDDIT__"
FORUM = ("reddit",)
NAMED = 'the thread "{{title}}" in {{board}}'
ME = 1
PHRASES = (
    "I agree with {word}",
    "Try {word} first",
    "{word} works well",
    "Never trust {word}",
    "Ask {word} about it",
    "Greetings from {word}",
    "{word} is my favourite",
    "Send it back to {word}",
)


def threads(world: World, rng: random.Random, n: int, where: str = "t.author_id != 1") -> list[sqlite3.Row]:
    """Up to n threads in a random order, with `author`, `board` and `slug` beside their own columns."""
    sql = """
        SELECT t.*, u.username AS author, b.name AS board, b.slug FROM forum_threads t
        JOIN forum_users u ON u.id = t.author_id JOIN forum_boards b ON b.id = t.board_id
    """
    rows = world.query(f"{sql} WHERE {where} ORDER BY t.id")
    return rng.sample(rows, min(n, len(rows)))


def boards(world: World, rng: random.Random, n: int, where: str = "1") -> list[sqlite3.Row]:
    """Up to n boards in a random order, with `moderator` and `num_members` beside their own columns."""
    sql = """
        SELECT b.*, u.username AS moderator,
        b.members + (SELECT COUNT(*) FROM forum_subscriptions s WHERE s.board_id = b.id) AS num_members
        FROM forum_boards b JOIN forum_users u ON u.id = b.moderator_id
    """
    rows = world.query(f"{sql} WHERE {where} ORDER BY b.id")
    return rng.sample(rows, min(n, len(rows)))


def members(world: World, rng: random.Random, n: int) -> list[sqlite3.Row]:
    """Up to n members other than the signed-in one, in a random order."""
    rows = world.query("SELECT * FROM forum_users WHERE id != ? ORDER BY id", ME)
    return rng.sample(rows, min(n, len(rows)))


def comments(world: World, rng: random.Random, n: int) -> list[sqlite3.Row]:
    """Up to n comments in a random order, with `author`, `title` and `board` beside their own columns."""
    rows = world.query(
        "SELECT c.*, u.username AS author, t.title, b.name AS board FROM forum_comments c"
        " JOIN forum_users u ON u.id = c.author_id JOIN forum_threads t ON t.id = c.thread_id"
        " JOIN forum_boards b ON b.id = t.board_id ORDER BY c.id"
    )
    return rng.sample(rows, min(n, len(rows)))


def me(world: World) -> sqlite3.Row:
    """The signed-in member."""
    return world.query("SELECT * FROM forum_users WHERE id = ?", ME)[0]


def phrase(names: Names, rng: random.Random) -> str:
    """A short sentence with one invented word, for the texts that tasks ask to write."""
    return rng.choice(PHRASES).format(word=names.brand())


def shows(path: str, selector: str, text: str) -> Check:
    """A check that an element of a forum's page shows exactly this text."""
    return page_has(f"{SITE}{path}", text_of(selector), exact=text)


def by_board(thread: sqlite3.Row) -> tuple[Move, ...]:
    """From the front page to a thread or a comment's thread, through its board."""
    return click("link", thread["board"]), click("link", thread["title"])


def by_search(title: str) -> tuple[Move, ...]:
    """From any page to the thread, board or member of that name, through the search box."""
    return fill("searchbox", "Search", title, enter=True), click("link", title)
