"""Forum tasks that read: facts of threads, boards and members, and pages to open."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from services.arena.names import Names
from services.arena.sites.forum.facts import FORUM, SITE, boards, by_board, by_search, comments, members, threads
from services.arena.task import (
    NOT_APPLICABLE,
    Build,
    Draft,
    Template,
    at_url,
    click,
    exact,
    fill,
    not_applicable,
    stop,
)

if TYPE_CHECKING:
    from services.arena.world import World


def _author(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"], "board": row["board"]},
            exact(row["author"]),
            (*by_board(row), stop(row["author"], f"Author: {row['author']}")),
        )
        for row in threads(world, rng, n)
    ]


def _points(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            exact(row["score"]),
            (*by_search(row["title"]), stop(row["score"], f"Points: {row['score']}")),
        )
        for row in threads(world, rng, n)
    ]


def _of_board(column: str, label: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        return [
            Draft(
                {"board": row["name"]},
                exact(row[column]),
                (click("link", row["name"]), stop(row[column], f"{label}: {row[column]}")),
            )
            for row in boards(world, rng, n)
        ]

    return build


def _of_member(column: str, label: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        return [
            Draft(
                {"user": row["username"]},
                exact(row[column]),
                (*by_search(row["username"]), stop(row[column], f"{label}: {row[column]}")),
            )
            for row in members(world, rng, n)
        ]

    return build


def _comment(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"user": row["author"], "title": row["title"], "board": row["board"]},
            exact(row["body"]),
            (*by_board(row), stop(row["body"], f"{row['author']}: {row['body']}")),
        )
        for row in comments(world, rng, n)
    ]


def _phone(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"user": row["username"]},
            not_applicable("The forum keeps no phone numbers."),
            (*by_search(row["username"]), stop(NOT_APPLICABLE)),
        )
        for row in members(world, rng, n)
    ]


def _unknown_member(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = Names(world.partition, rng, {row["username"] for row in world.query("SELECT username FROM forum_users")})
    drafts = []
    for _ in range(n):
        name = names.username()
        script = (fill("searchbox", "Search", name, enter=True), stop(NOT_APPLICABLE))
        drafts.append(Draft({"user": name}, not_applicable(f"No member is called {name}."), script))
    return drafts


def _saved_thread(world: World, rng: random.Random, n: int) -> list[Draft]:
    kept = threads(world, rng, n, "t.id IN (SELECT thread_id FROM forum_saved)")
    return [
        Draft(
            {"title": row["title"]},
            at_url(f"{SITE}/threads/{row['id']}"),
            (click("link", "Saved"), click("link", row["title"]), stop("Done")),
        )
        for row in kept
    ]


def _ordered(world: World, rng: random.Random, n: int) -> list[Draft]:
    orders = (("most commented", "Most Commented", "comments"), ("top", "Top", "top"))
    drafts = [
        Draft(
            {"order": words, "board": row["name"]},
            at_url(f"{SITE}/boards/{row['slug']}?sort={key}"),
            (click("link", row["name"]), click("link", link), stop("Done")),
        )
        for words, link, key in orders
        for row in boards(world, rng, n)
    ]
    return rng.sample(drafts, min(n, len(drafts)))


def _newest_author(world: World, rng: random.Random, n: int) -> list[Draft]:
    newest = "t.id IN (SELECT MAX(id) FROM forum_threads GROUP BY board_id)"
    return [
        Draft(
            {"board": row["board"]},
            exact(row["author"]),
            (*by_board(row), stop(row["author"], f"Author: {row['author']}")),
        )
        for row in threads(world, rng, n, newest)
    ]


TEMPLATES: list[Template] = [
    Template(300, FORUM, 'Who started the thread "{{title}}" in {{board}}?', _author),
    Template(301, FORUM, 'How many points does the thread "{{title}}" have?', _points),
    Template(302, FORUM, "Who moderates the {{board}} board?", _of_board("moderator", "Moderator")),
    Template(303, FORUM, "How many members does the {{board}} board have?", _of_board("num_members", "Members")),
    Template(304, FORUM, "What is the rule of the {{board}} board?", _of_board("rule", "Rule"), held_out=True),
    Template(305, FORUM, "Tell me the location of the forum user {{user}}.", _of_member("location", "Location")),
    Template(306, FORUM, "When did {{user}} join the forum?", _of_member("joined", "Joined"), held_out=True),
    Template(307, FORUM, 'What did {{user}} answer in the thread "{{title}}" in {{board}}?', _comment),
    Template(308, FORUM, "What is the phone number of the forum user {{user}}?", _phone),
    Template(309, FORUM, "What is the reputation of the forum user {{user}}?", _of_member("points", "Reputation")),
    Template(310, FORUM, "Show me the bio of the forum user {{user}}.", _unknown_member, held_out=True),
    Template(311, FORUM, 'Open the thread "{{title}}" that I saved.', _saved_thread),
    Template(312, FORUM, "Show me the {{order}} threads of {{board}}.", _ordered),
    Template(313, FORUM, "Tell me who wrote the newest thread in {{board}}.", _newest_author, held_out=True),
]
