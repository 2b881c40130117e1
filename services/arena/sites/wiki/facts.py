"""What the task builders need to know about a world's encyclopedia, and the expert's common moves."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from services.arena.task import Move, click, fill

if TYPE_CHECKING:
    from services.arena.world import World

T = TypeVar("T")
SEARCH_BOX = "Search the encyclopedia"
WIKI = "__WIKIPEDIA__"


def some(rng: random.Random, things: Sequence[T], num: int) -> list[T]:
    """Up to `num` different things, in random order."""
    return rng.sample(list(things), min(num, len(things)))


def articles(world: World, *labels: str) -> list[sqlite3.Row]:
    """Articles with one of their facts each (title, slug, label, value), for the labels given."""
    return world.query(
        "SELECT a.id, a.title, a.slug, f.label, f.value FROM wiki_fact f"
        " JOIN wiki_article a ON a.id = f.article_id WHERE f.label IN (SELECT value FROM json_each(?))"
        " ORDER BY a.id, f.position",
        json.dumps(labels),
    )


def titles(world: World) -> list[sqlite3.Row]:
    """All articles."""
    return world.query("SELECT * FROM wiki_article ORDER BY id")


def places(world: World) -> list[sqlite3.Row]:
    """All places with the title and slug of their town."""
    return world.query(
        "SELECT p.*, t.title AS town, t.slug AS town_slug FROM wiki_place p"
        " JOIN wiki_article t ON t.id = p.town_id ORDER BY p.id"
    )


def pairs(rng: random.Random, rows: list[sqlite3.Row], num: int) -> list[tuple[sqlite3.Row, sqlite3.Row]]:
    """Up to `num` pairs of different places of the same town."""
    return [
        (here, rng.choice([row for row in rows if row["town_id"] == here["town_id"] and row is not here]))
        for here in some(rng, rows, num)
    ]


def look_up(title: str) -> tuple[Move, ...]:
    """Search for a title and open the article or place of that name."""
    return (fill("searchbox", SEARCH_BOX, title, enter=True), click("link", title))
