"""Tasks of the encyclopedia that are solved by reading: facts, routes, neighbours, and pages to find."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.sites.wiki import content, geography, prose
from services.arena.sites.wiki.facts import WIKI, articles, look_up, pairs, places, some, titles
from services.arena.task import (
    Draft,
    Move,
    Template,
    at_url,
    click,
    exact,
    fill,
    not_applicable,
    page_has,
    stop,
    text_of,
)

if TYPE_CHECKING:
    from services.arena.world import World

ASKED = ("Population", "Mayor", "Elevation", "Height", "Length", "Average flow", "Director", "Habitat",
         "Weight", "Lifespan", "Diet", "Organizer", "Coach", "Sport")  # fmt: skip
NOT_KEPT = ("email address", "website", "fax number", "owner's name", "year of construction")


def fact_of_article(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Look an article up and read one line of its box."""
    return [
        Draft(
            {"label": row["label"].lower(), "title": row["title"]},
            exact(row["value"]),
            (*look_up(row["title"]), stop(row["value"], f"{row['label']}: {row['value']}")),
        )
        for row in some(rng, articles(world, *ASKED), n)
    ]


def fact_on_page(world: World, rng: random.Random, n: int) -> list[Draft]:
    """The page is open already: read one line of it."""
    return [
        Draft(
            {"label": row["label"].lower()},
            exact(row["value"]),
            (stop(row["value"], f"{row['label']}: {row['value']}"),),
            start=f"/wiki/{row['slug']}",
        )
        for row in some(rng, articles(world, *ASKED), n)
    ]


def _year(world: World, rng: random.Random, n: int, label: str) -> list[Draft]:
    return [
        Draft(
            {"person": row["title"]},
            exact(row["value"]),
            (*look_up(row["title"]), stop(row["value"], f"{label}: {row['value']}")),
        )
        for row in some(rng, articles(world, label), n)
    ]


def year_born(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _year(world, rng, n, "Born")


def year_died(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _year(world, rng, n, "Died")


def _fact_of_place(world: World, rng: random.Random, n: int, label: str, column: str) -> list[Draft]:
    return [
        Draft(
            {"place": row["name"]},
            exact(row[column]),
            (*look_up(row["name"]), stop(row[column], f"{label}: {row[column]}")),
        )
        for row in some(rng, places(world), n)
    ]


def phone(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _fact_of_place(world, rng, n, "Phone", "phone")


def opening_hours(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _fact_of_place(world, rng, n, "Opening hours", "hours")


def address(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _fact_of_place(world, rng, n, "Address", "address")


def _route_moves(start: str, end: str) -> tuple[Move, ...]:
    return (
        click("link", "Directions"),
        fill("textbox", "From", start),
        fill("textbox", "To", end, enter=True),
    )


def walking_time(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Ask for the way on foot and read how long it takes."""
    drafts = []
    for here, there in pairs(rng, places(world), n):
        way = geography.route(here["x"], here["y"], there["x"], there["y"], "foot")
        script = (*_route_moves(here["name"], there["name"]), stop(way.duration, f"Walking time: {way.duration}"))
        drafts.append(Draft({"start": here["name"], "end": there["name"]}, exact(way.duration), script))
    return drafts


def distance(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Ask for the way and read how far it is."""
    drafts = []
    for here, there in pairs(rng, places(world), n):
        way = geography.route(here["x"], here["y"], there["x"], there["y"], "foot")
        script = (*_route_moves(here["name"], there["name"]), stop(way.distance, f"Distance: {way.distance}"))
        drafts.append(Draft({"start": here["name"], "end": there["name"]}, exact(way.distance), script))
    return drafts


def route_by(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Show the way by a means other than the one that is preset."""
    drafts = []
    for here, there in pairs(rng, places(world), n):
        by, label = rng.choice((("bicycle", "By bicycle"), ("car", "By car")))
        title = f"{geography.MODE_NAMES[by]} from {here['name']} to {there['name']}"
        script = (
            click("link", "Directions"),
            fill("textbox", "From", here["name"]),
            fill("textbox", "To", there["name"]),
            click("radio", label),
            click("button", "Show route"),
            stop("Done"),
        )
        values: dict[str, str | int] = {"by": by, "start": here["name"], "end": there["name"]}
        drafts.append(Draft(values, page_has("last", text_of("#route-title"), exact=title), script))
    return drafts


def open_article(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            at_url(f"{WIKI}/wiki/{row['slug']}"),
            (*look_up(row["title"]), stop("Done")),
        )
        for row in some(rng, titles(world), n)
    ]


def _open_tab(world: World, rng: random.Random, n: int, tab: str) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            at_url(f"{WIKI}/wiki/{row['slug']}/{tab.lower()}"),
            (*look_up(row["title"]), click("link", tab), stop("Done")),
        )
        for row in some(rng, titles(world), n)
    ]


def open_talk(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _open_tab(world, rng, n, "Talk")


def open_history(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _open_tab(world, rng, n, "History")


def _latest_change(world: World, rng: random.Random, n: int, label: str, column: str) -> list[Draft]:
    rows = world.query(
        "SELECT a.title, r.editor, r.day FROM wiki_revision r JOIN wiki_article a ON a.id = r.article_id"
        " WHERE r.id = (SELECT max(id) FROM wiki_revision WHERE article_id = a.id) ORDER BY a.id"
    )
    return [
        Draft(
            {"title": row["title"]},
            exact(row[column]),
            (*look_up(row["title"]), click("link", "History"), stop(row[column], f"{label}: {row[column]}")),
        )
        for row in some(rng, rows, n)
    ]


def latest_editor(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _latest_change(world, rng, n, "Last edited by", "editor")


def latest_day(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _latest_change(world, rng, n, "Last edited on", "day")


def open_category(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = world.query("SELECT category, category_slug FROM wiki_article GROUP BY category")
    return [
        Draft(
            {"category": row["category"]},
            at_url(f"{WIKI}/category/{row['category_slug']}"),
            (click("link", row["category"]), stop("Done")),
        )
        for row in some(rng, rows, n)
    ]


def places_of_kind(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Find the list of one town's cafes, museums, ..."""
    towns = world.query("SELECT title, slug FROM wiki_article WHERE category = 'Towns' ORDER BY id")
    choices = [(town, many) for town in towns for many in prose.KIND_PLURALS.values()]
    return [
        Draft(
            {"kinds": many, "town": town["title"]},
            at_url(f"{WIKI}/places/{town['slug']}/{many}"),
            (click("link", f"Places in {town['title']}"), click("link", many.capitalize()), stop("Done")),
        )
        for town, many in some(rng, choices, n)
    ]


def _neighbours(world: World, rng: random.Random, n: int) -> list[tuple[sqlite3.Row, sqlite3.Row]]:
    """Places and one of the neighbours that their page names as the nearest of its kind."""
    rows = places(world)
    found = []
    for here in some(rng, rows, n):
        shown = content.nearest_by_kind([row for row in rows if row["town_id"] == here["town_id"]], here)
        found.append((here, rng.choice(shown)[0]))
    return found


def nearest_place(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"kind": there["kind"], "place": here["name"]},
            exact(there["name"]),
            (*look_up(here["name"]), stop(there["name"], f"Nearest {there['kind']}: {there['name']}")),
        )
        for here, there in _neighbours(world, rng, n)
    ]


def phone_of_nearest(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Two hops: from a place to its neighbour, whose phone number is asked for."""
    return [
        Draft(
            {"kind": there["kind"], "place": here["name"]},
            exact(there["phone"]),
            (
                *look_up(here["name"]),
                click("link", f"Nearest {there['kind']}: {there['name']}"),
                stop(there["phone"], f"Phone: {there['phone']}"),
            ),
        )
        for here, there in _neighbours(world, rng, n)
    ]


def home_ground_address(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Two hops: from a club's article to the place where it plays."""
    by_name = {row["name"]: row for row in places(world)}
    drafts = []
    for row in some(rng, articles(world, "Home ground"), n):
        ground = by_name[row["value"]]
        script = (
            *look_up(row["title"]),
            click("link", f"Place: {ground['name']}"),
            stop(ground["address"], f"Address: {ground['address']}"),
        )
        drafts.append(Draft({"club": row["title"]}, exact(ground["address"]), script))
    return drafts


def fact_not_kept(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Nobody ever wrote this down: look, then give up."""
    drafts = []
    for row in some(rng, places(world), n):
        missing = rng.choice(NOT_KEPT)
        why = f"The entry of {row['name']} has no {missing}, and the site keeps none for any place."
        drafts.append(
            Draft(
                {"missing": missing, "place": row["name"]},
                not_applicable(why),
                (*look_up(row["name"]), stop("N/A")),
            )
        )
    return drafts


WIKIPEDIA = ("wikipedia",)
TEMPLATES: list[Template] = [
    Template(500, WIKIPEDIA, "What is the {{label}} of {{title}}?", fact_of_article),
    Template(501, WIKIPEDIA, "In which year was {{person}} born?", year_born),
    Template(502, WIKIPEDIA, "In which year did {{person}} die?", year_died, held_out=True),
    Template(503, WIKIPEDIA, "What is the phone number of {{place}}?", phone),
    Template(504, WIKIPEDIA, "Tell me the opening hours of {{place}}.", opening_hours),
    Template(505, WIKIPEDIA, "What is the address of {{place}}?", address, held_out=True),
    Template(506, WIKIPEDIA, "How long does it take to walk from {{start}} to {{end}}?", walking_time),
    Template(507, WIKIPEDIA, "What is the walking distance between {{start}} and {{end}}?", distance, held_out=True),
    Template(508, WIKIPEDIA, "Open the article about {{title}}.", open_article),
    Template(509, WIKIPEDIA, "Show me the talk page of {{title}}.", open_talk),
    Template(510, WIKIPEDIA, "Show me the history of changes of {{title}}.", open_history, held_out=True),
    Template(511, WIKIPEDIA, "Who made the latest change to the article about {{title}}?", latest_editor),
    Template(512, WIKIPEDIA, "On which day was the article about {{title}} last edited?", latest_day, held_out=True),
    Template(513, WIKIPEDIA, "Show all articles in the category {{category}}.", open_category),
    Template(514, WIKIPEDIA, "List the {{kinds}} in {{town}}.", places_of_kind),
    Template(515, WIKIPEDIA, "Which {{kind}} is nearest to {{place}}?", nearest_place),
    Template(516, WIKIPEDIA, "What is the phone number of the {{kind}} nearest to {{place}}?", phone_of_nearest),
    Template(517, WIKIPEDIA, "What is the address of the home ground of {{club}}?", home_ground_address, held_out=True),
    Template(518, WIKIPEDIA, "Show me the way by {{by}} from {{start}} to {{end}}.", route_by),
    Template(519, WIKIPEDIA, "What {{label}} does this page give?", fact_on_page),
    Template(520, WIKIPEDIA, "What is the {{missing}} of {{place}}?", fact_not_kept),
]
