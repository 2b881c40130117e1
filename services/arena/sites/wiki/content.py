"""The encyclopedia of one world: about 60 articles with their past, and 50 places in 6 towns.

Everything comes from the world's names and random source, in one order: the same world always has the
same encyclopedia. Titles and place names carry an invented word each, so no two worlds of different
partitions share one.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from datetime import date, timedelta

from services.arena.names import Names
from services.arena.site import today
from services.arena.sites.wiki import geography, prose

SCHEMA = """
CREATE TABLE wiki_article (
    id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, title TEXT NOT NULL UNIQUE,
    category TEXT NOT NULL, category_slug TEXT NOT NULL, summary TEXT NOT NULL
);
CREATE TABLE wiki_fact (
    article_id INTEGER NOT NULL REFERENCES wiki_article, position INTEGER NOT NULL,
    label TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (article_id, position)
);
CREATE TABLE wiki_section (
    article_id INTEGER NOT NULL REFERENCES wiki_article, position INTEGER NOT NULL,
    heading TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (article_id, position)
);
CREATE TABLE wiki_revision (
    id INTEGER PRIMARY KEY, article_id INTEGER NOT NULL REFERENCES wiki_article,
    day TEXT NOT NULL, editor TEXT NOT NULL, note TEXT NOT NULL
);
CREATE TABLE wiki_comment (
    id INTEGER PRIMARY KEY, article_id INTEGER NOT NULL REFERENCES wiki_article,
    day TEXT NOT NULL, author TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE wiki_watch (article_id INTEGER PRIMARY KEY REFERENCES wiki_article);
CREATE TABLE wiki_place (
    id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    town_id INTEGER NOT NULL REFERENCES wiki_article, address TEXT NOT NULL, phone TEXT NOT NULL,
    hours TEXT NOT NULL, wheelchair TEXT NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL
);
CREATE TABLE wiki_saved (place_id INTEGER PRIMARY KEY REFERENCES wiki_place);
CREATE TABLE wiki_featured (article_id INTEGER PRIMARY KEY REFERENCES wiki_article);
CREATE INDEX wiki_revision_article ON wiki_revision (article_id, id);
CREATE INDEX wiki_comment_article ON wiki_comment (article_id, id);
"""

NUM_TOWNS, NUM_WATCHED, NUM_SAVED, NUM_NEARBY = 6, 4, 3, 4
VISITOR = "You"


def slugify(title: str) -> str:
    """The part of the address that names a title: lower case, words joined by hyphens."""
    return "-".join(title.lower().split())


def populate(db: sqlite3.Connection, names: Names, rng: random.Random) -> None:
    """Fill the tables of SCHEMA; deterministic in `names` and `rng`. The wiki has no accounts."""
    towns = [names.place() for _ in range(NUM_TOWNS)]
    people = [names.full_name() for _ in range(20)]
    editors = [names.username() for _ in range(8)]
    places = _places(db, names, rng)
    grounds = [name for name, kind in places if kind == "stadium"]
    for kind in prose.KINDS:
        for index, title in enumerate(towns if kind.key == "town" else _titles(kind, names, rng)):
            facts = _facts(kind, rng, towns, people)
            if kind.key == "club":
                facts["Home ground"] = grounds[index]
            article_id = _article(db, kind, title, facts, rng)
            _past(db, article_id, editors, rng)
    articles = [row[0] for row in db.execute("SELECT id FROM wiki_article ORDER BY id")]
    db.execute("INSERT INTO wiki_featured VALUES (?)", (rng.choice(articles[NUM_TOWNS:]),))
    for article_id in rng.sample(articles, NUM_WATCHED):
        db.execute("INSERT INTO wiki_watch VALUES (?)", (article_id,))
    for place_id in rng.sample(range(1, len(places) + 1), NUM_SAVED):
        db.execute("INSERT INTO wiki_saved VALUES (?)", (place_id,))
    db.execute(  # the towns' articles are written after their places
        "UPDATE wiki_place SET address = address || ', ' ||"
        " (SELECT title FROM wiki_article WHERE wiki_article.id = town_id)"
    )


def _titles(kind: prose.Kind, names: Names, rng: random.Random) -> list[str]:
    if kind.key == "person":
        return [names.full_name() for _ in range(kind.num_articles)]
    patterns = [kind.titles[index % len(kind.titles)] for index in range(kind.num_articles)]
    rng.shuffle(patterns)
    return [pattern.format(word=names.place()) for pattern in patterns]


def _facts(kind: prose.Kind, rng: random.Random, towns: list[str], people: list[str]) -> dict[str, str]:
    """The infobox of one article: a value for each label of its kind, in their order."""
    born = rng.randint(1780, 1890)
    values: dict[str, Callable[[], str]] = {
        "Population": lambda: f"{rng.randint(12, 98)},{rng.randint(0, 999):03d}",
        "Founded": lambda: str(rng.randint(1100, 1650)),
        "Mayor": lambda: rng.choice(people),
        "Elevation": lambda: f"{rng.randint(20, 900)} m",
        "Postcode": lambda: str(rng.randint(10000, 99999)),
        "Born": lambda: str(born),
        "Died": lambda: str(born + rng.randint(41, 92)),
        "Birthplace": lambda: rng.choice(towns),
        "Occupation": lambda: rng.choice(prose.OCCUPATIONS),
        "Known for": lambda: rng.choice(prose.KNOWN_FOR),
        "Height": lambda: f"{rng.randint(1100, 4700)} m",
        "First ascent": lambda: str(rng.randint(1790, 1930)),
        "Nearest town": lambda: rng.choice(towns),
        "Rock": lambda: rng.choice(prose.ROCKS),
        "Length": lambda: f"{rng.randint(45, 780)} km",
        "Source": lambda: rng.choice(("a glacier lake", "a high moor", "three springs", "a karst cave")),
        "Largest town": lambda: rng.choice(towns),
        "Average flow": lambda: f"{rng.randint(12, 640)} m3/s",
        "Industry": lambda: rng.choice(prose.INDUSTRIES),
        "Headquarters": lambda: rng.choice(towns),
        "Opened": lambda: str(rng.randint(1840, 1990)),
        "Director": lambda: rng.choice(people),
        "Employees": lambda: str(rng.randint(40, 990)),
        "Held in": lambda: rng.choice(towns),
        "Month": lambda: rng.choice(prose.MONTHS),
        "First held": lambda: str(rng.randint(1890, 2010)),
        "Visitors": lambda: f"{rng.randint(3, 95)},000",
        "Organizer": lambda: rng.choice(people),
        "Habitat": lambda: rng.choice(prose.HABITATS),
        "Weight": lambda: f"{rng.randint(15, 950)} g",
        "Lifespan": lambda: f"{rng.randint(2, 29)} years",
        "Diet": lambda: rng.choice(prose.DIETS),
        "Described": lambda: str(rng.randint(1758, 1920)),
        "Sport": lambda: rng.choice(prose.SPORTS),
        "Formed": lambda: str(rng.randint(1880, 1975)),
        "Home ground": lambda: "",
        "Coach": lambda: rng.choice(people),
        "Colours": lambda: rng.choice(prose.COLOURS),
    }
    return {label: values[label]() for label in kind.labels}


def _article(db: sqlite3.Connection, kind: prose.Kind, title: str, facts: dict[str, str], rng: random.Random) -> int:
    said = {"title": title, **facts}
    article_id = db.execute(
        "INSERT INTO wiki_article (slug, title, category, category_slug, summary) VALUES (?, ?, ?, ?, ?)",
        (slugify(title), title, kind.category, slugify(kind.category), kind.summary.format(**said)),
    ).lastrowid
    assert article_id is not None
    db.executemany(
        "INSERT INTO wiki_fact VALUES (?, ?, ?, ?)",
        [(article_id, position, label, value) for position, (label, value) in enumerate(facts.items(), 1)],
    )
    db.executemany(
        "INSERT INTO wiki_section VALUES (?, ?, ?, ?)",
        [
            (article_id, position, heading, rng.choice(sentences).format(**said))
            for position, (heading, sentences) in enumerate(kind.sections, 1)
        ],
    )
    return article_id


def _past(db: sqlite3.Connection, article_id: int, editors: list[str], rng: random.Random) -> None:
    """What happened to an article before the world's today: its changes and what was said about it."""
    now = today(db)
    days = sorted(now - timedelta(days=back) for back in rng.sample(range(3, 700), rng.randint(2, 6)))
    db.executemany(
        "INSERT INTO wiki_revision (article_id, day, editor, note) VALUES (?, ?, ?, ?)",
        [(article_id, day.isoformat(), rng.choice(editors), rng.choice(prose.EDIT_NOTES)) for day in days],
    )
    db.executemany(
        "INSERT INTO wiki_comment (article_id, day, author, body) VALUES (?, ?, ?, ?)",
        [
            (article_id, _some_day(now, rng), rng.choice(editors), body)
            for body in rng.sample(prose.TALK, rng.randint(0, 2))
        ],
    )


def _some_day(now: date, rng: random.Random) -> str:
    return (now - timedelta(days=rng.randint(2, 400))).isoformat()


def _places(db: sqlite3.Connection, names: Names, rng: random.Random) -> list[tuple[str, str]]:
    """Eight places in each of the six towns and one more in two of them, as (name, kind) by id.

    A town is the article with the same number (articles 1 to 6 are the towns); the towns stand on a
    coarse grid, the places within 1.5 km of their town's centre, no two of them in the same spot.
    """
    made: list[tuple[str, str]] = []
    phones = rng.sample(range(1000, 9999), 60)
    for town_id in range(1, NUM_TOWNS + 1):
        centre_x = (town_id % 3) * 24_000 + rng.randint(-4000, 4000)
        centre_y = (town_id // 3) * 19_000 + rng.randint(-4000, 4000)
        kinds = prose.PLACE_KINDS + prose.EXTRA_PLACES[town_id - 1 : town_id]
        spots = rng.sample([(x, y) for x in range(-5, 6) for y in range(-5, 6)], len(kinds))
        hours = rng.sample(prose.HOURS, len(prose.HOURS))
        for number, (kind, pattern) in enumerate(kinds):
            name = pattern.format(word=names.place())
            dx, dy = spots[number]
            db.execute(
                "INSERT INTO wiki_place (slug, name, kind, town_id, address, phone, hours, wheelchair, x, y)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    slugify(name),
                    name,
                    kind,
                    town_id,
                    f"{rng.randint(1, 98)} {rng.choice(prose.STREETS)}",
                    f"555-{phones[len(made)]}",
                    hours[number % len(hours)],
                    rng.choice(("yes", "no")),
                    centre_x + dx * 290 + rng.randint(-60, 60),
                    centre_y + dy * 290 + rng.randint(-60, 60),
                ),
            )
            made.append((name, kind))
    return made


def nearest_by_kind(rows: list[sqlite3.Row], origin: sqlite3.Row) -> list[tuple[sqlite3.Row, str]]:
    """For up to NUM_NEARBY kinds the nearest of the places in `rows`, nearest first, with its distance.

    Ways of equal rounded length are ordered by id, so a page and a task's answer never differ.
    """
    ways = sorted(
        (geography.route(origin["x"], origin["y"], row["x"], row["y"], "foot").distance_m, row["id"], row)
        for row in rows
        if row["id"] != origin["id"]
    )
    found: dict[str, tuple[sqlite3.Row, str]] = {}
    for metres, _, row in ways:
        found.setdefault(row["kind"], (row, f"{metres / 1000:.1f} km"))
    return list(found.values())[:NUM_NEARBY]
