"""Forum tasks that mark: votes, subscriptions and saved threads.

Every check reads the page where the change shows, and the untouched world fails it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from services.arena.sites.forum.facts import (
    FORUM,
    NAMED,
    SITE,
    boards,
    by_board,
    by_search,
    comments,
    members,
    shows,
    threads,
)
from services.arena.task import Build, Draft, Move, Template, click, page_has, stop, text_of

if TYPE_CHECKING:
    from services.arena.world import World

DONE = stop("Done")


def _vote(button: str, shown: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        return [
            Draft(
                {"title": row["title"], "board": row["board"]},
                shows(f"/threads/{row['id']}", ".thread-vote", f"Your vote: {shown}"),
                (*by_board(row), click("button", button), DONE),
            )
            for row in threads(world, rng, n)
        ]

    return build


def _upvote_newest(world: World, rng: random.Random, n: int) -> list[Draft]:
    newest = "t.id IN (SELECT MAX(id) FROM forum_threads GROUP BY board_id)"
    return [
        Draft(
            {"board": row["board"]},
            shows(f"/threads/{row['id']}", ".thread-vote", "Your vote: Up"),
            (*by_board(row), click("button", "Upvote"), DONE),
        )
        for row in threads(world, rng, n, newest)
    ]


def _upvote_comment(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"user": row["author"], "title": row["title"], "board": row["board"]},
            page_has(
                f"{SITE}/threads/{row['thread_id']}",
                text_of(f"#comment-{row['id']} .comment-points"),
                includes=["You voted up"],
            ),
            (*by_board(row), click("button", f"Upvote {row['author']}"), DONE),
        )
        for row in comments(world, rng, n)
    ]


def _upvote_all(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for user in members(world, rng, n):
        own = threads(world, rng, 9, f"t.author_id = {user['id']}")
        if len(own) != 2:
            continue
        first, second = own
        script: tuple[Move, ...] = (
            *by_search(user["username"]),
            click("link", first["title"]),
            click("button", "Upvote"),
            click("link", f"Threads by {user['username']}"),
            click("link", second["title"]),
            click("button", "Upvote"),
            DONE,
        )
        checks = tuple(shows(f"/threads/{row['id']}", ".thread-vote", "Your vote: Up") for row in own)
        drafts.append(Draft({"user": user["username"]}, checks, script))
    return drafts


def _subscribe(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"board": row["name"]},
            shows(f"/boards/{row['slug']}", ".board-subscription", "Subscribed: Yes"),
            (click("link", row["name"]), click("button", "Subscribe"), DONE),
        )
        for row in boards(world, rng, n, "b.id NOT IN (SELECT board_id FROM forum_subscriptions)")
    ]


def _unsubscribe(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"board": row["name"]},
            shows(f"/boards/{row['slug']}", ".board-subscription", "Subscribed: No"),
            (click("link", row["name"]), click("button", "Unsubscribe"), DONE),
        )
        for row in boards(world, rng, n, "b.id IN (SELECT board_id FROM forum_subscriptions)")
    ]


def _subscribe_by_thread(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            shows(f"/boards/{row['slug']}", ".board-subscription", "Subscribed: Yes"),
            (*by_search(row["title"]), click("link", row["board"]), click("button", "Subscribe"), DONE),
        )
        for row in threads(world, rng, n, "b.id NOT IN (SELECT board_id FROM forum_subscriptions)")
    ]


def _save(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            shows(f"/threads/{row['id']}", ".thread-saved", "Saved: Yes"),
            (*by_search(row["title"]), click("button", "Save"), DONE),
        )
        for row in threads(world, rng, n, "t.id NOT IN (SELECT thread_id FROM forum_saved)")
    ]


def _unsave(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            shows(f"/threads/{row['id']}", ".thread-saved", "Saved: No"),
            (click("link", "Saved"), click("link", row["title"]), click("button", "Unsave"), DONE),
        )
        for row in threads(world, rng, n, "t.id IN (SELECT thread_id FROM forum_saved)")
    ]


TEMPLATES: list[Template] = [
    Template(320, FORUM, f"Upvote {NAMED}.", _vote("Upvote", "Up")),
    Template(321, FORUM, f"Thumbs down {NAMED}.", _vote("Downvote", "Down"), held_out=True),
    Template(322, FORUM, "Upvote the newest thread in {{board}}.", _upvote_newest),
    Template(323, FORUM, f"Upvote the comment by {{{{user}}}} in {NAMED}.", _upvote_comment),
    Template(324, FORUM, "Upvote all threads started by {{user}}.", _upvote_all),
    Template(330, FORUM, "Subscribe to the {{board}} board.", _subscribe),
    Template(331, FORUM, "Unsubscribe from the {{board}} board.", _unsubscribe, held_out=True),
    Template(332, FORUM, 'Subscribe to the board that has the thread "{{title}}".', _subscribe_by_thread),
    Template(333, FORUM, 'Save the thread "{{title}}" for later.', _save),
    Template(334, FORUM, 'Remove the thread "{{title}}" from my saved threads.', _unsave),
]
