"""Tasks of the encyclopedia that change it: watching, saving, commenting, editing, correcting."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from services.arena.sites.wiki import prose
from services.arena.sites.wiki.facts import WIKI, look_up, places, some, titles
from services.arena.task import Draft, Template, click, fill, page_has, stop, text_of

if TYPE_CHECKING:
    from services.arena.world import World

COMMENTS = (
    "The {word} archive has a better photo.",
    "I can translate this from {word} if it helps.",
    "Please add the {word} survey as a source.",
    "{word} spells the name in another way.",
)
TEXTS = (
    "A new survey by {word} is under way.",
    "The account by {word} is the most reliable.",
    "Little is known, {word} wrote the only report.",
    "See the {word} report for details.",
)


def _sentences(world: World, rng: random.Random, patterns: tuple[str, ...], num: int) -> list[str]:
    names = world.names(rng)
    return [rng.choice(patterns).format(word=names.place()) for _ in range(num)]


def watch(world: World, rng: random.Random, n: int) -> list[Draft]:
    watched = {row["article_id"] for row in world.query("SELECT article_id FROM wiki_watch")}
    rows = [row for row in titles(world) if row["id"] not in watched]
    return [
        Draft(
            {"title": row["title"]},
            page_has(f"{WIKI}/watchlist", text_of("#listing"), includes=[row["title"]]),
            (*look_up(row["title"]), click("button", "Add to watchlist"), stop("Done")),
        )
        for row in some(rng, rows, n)
    ]


def unwatch(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = world.query("SELECT a.* FROM wiki_watch w JOIN wiki_article a ON a.id = w.article_id ORDER BY a.id")
    return [
        Draft(
            {"title": row["title"]},
            page_has(f"{WIKI}/wiki/{row['slug']}", text_of("#watch"), exact="Add to watchlist"),
            (
                click("link", "Watchlist"),
                click("link", row["title"]),
                click("button", "Remove from watchlist"),
                stop("Done"),
            ),
        )
        for row in some(rng, rows, n)
    ]


def save_place(world: World, rng: random.Random, n: int) -> list[Draft]:
    saved = {row["place_id"] for row in world.query("SELECT place_id FROM wiki_saved")}
    rows = [row for row in places(world) if row["id"] not in saved]
    return [
        Draft(
            {"place": row["name"]},
            page_has(f"{WIKI}/saved", text_of("#listing"), includes=[row["name"]]),
            (*look_up(row["name"]), click("button", "Save this place"), stop("Done")),
        )
        for row in some(rng, rows, n)
    ]


def comment(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = some(rng, titles(world), n)
    return [
        Draft(
            {"comment": said, "title": row["title"]},
            page_has(f"{WIKI}/wiki/{row['slug']}/talk", text_of(".comment"), exact=said),
            (
                *look_up(row["title"]),
                click("link", "Talk"),
                fill("textbox", "Your comment", said, enter=True),
                stop("Done"),
            ),
        )
        for row, said in zip(rows, _sentences(world, rng, COMMENTS, len(rows)), strict=True)
    ]


def edit_section(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = world.query(
        "SELECT s.*, a.title, a.slug FROM wiki_section s JOIN wiki_article a ON a.id = s.article_id"
        " ORDER BY a.id, s.position"
    )
    rows = some(rng, rows, n)
    return [
        Draft(
            {"heading": row["heading"], "title": row["title"], "text": text},
            page_has(f"{WIKI}/wiki/{row['slug']}", text_of(f"#section-{row['position']}"), exact=text),
            (
                *look_up(row["title"]),
                click("link", f"Edit {row['heading']}"),
                fill("textbox", "Section text", text),
                click("button", "Save changes"),
                stop("Done"),
            ),
        )
        for row, text in zip(rows, _sentences(world, rng, TEXTS, len(rows)), strict=True)
    ]


def correct_phone(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in some(rng, places(world), n):
        phone = _fresh_phone(row["phone"], rng)
        script = (
            *look_up(row["name"]),
            click("link", "Correct this entry"),
            fill("textbox", "Phone", phone, enter=True),
            stop("Done"),
        )
        check = page_has(f"{WIKI}/place/{row['slug']}", text_of("#fact-phone"), exact=f"Phone: {phone}")
        drafts.append(Draft({"place": row["name"], "phone": phone}, check, script))
    return drafts


def correct_hours(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in some(rng, places(world), n):
        hours = rng.choice([known for known in prose.HOURS if known != row["hours"]])
        script = (
            *look_up(row["name"]),
            click("link", "Correct this entry"),
            fill("textbox", "Opening hours", hours, enter=True),
            stop("Done"),
        )
        wanted = f"Opening hours: {hours}"
        check = page_has(f"{WIKI}/place/{row['slug']}", text_of("#fact-opening-hours"), exact=wanted)
        drafts.append(Draft({"place": row["name"], "hours": hours}, check, script))
    return drafts


def moved(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Two fields of one entry at once."""
    drafts = []
    for row in some(rng, places(world), n):
        phone = _fresh_phone(row["phone"], rng)
        address = f"{rng.randint(100, 190)} {rng.choice(prose.STREETS)}, {row['town']}"
        page = f"{WIKI}/place/{row['slug']}"
        checks = (
            page_has(page, text_of("#fact-address"), exact=f"Address: {address}"),
            page_has(page, text_of("#fact-phone"), exact=f"Phone: {phone}"),
        )
        script = (
            *look_up(row["name"]),
            click("link", "Correct this entry"),
            fill("textbox", "Address", address),
            fill("textbox", "Phone", phone),
            click("button", "Save entry"),
            stop("Done"),
        )
        drafts.append(Draft({"place": row["name"], "address": address, "phone": phone}, checks, script))
    return drafts


def wheelchair(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Turn a place's radio button to the other side."""
    drafts = []
    for row in some(rng, places(world), n):
        value, words = ("no", "not accessible") if row["wheelchair"] == "yes" else ("yes", "accessible")
        script = (
            *look_up(row["name"]),
            click("link", "Correct this entry"),
            click("radio", words.capitalize()),
            click("button", "Save entry"),
            stop("Done"),
        )
        wanted = f"Wheelchair access: {value}"
        check = page_has(f"{WIKI}/place/{row['slug']}", text_of("#fact-wheelchair-access"), exact=wanted)
        drafts.append(Draft({"place": row["name"], "accessible": words}, check, script))
    return drafts


def _fresh_phone(known: str, rng: random.Random) -> str:
    return next(phone for phone in iter(lambda: f"555-{rng.randint(1000, 9999)}", "") if phone != known)


WIKIPEDIA = ("wikipedia",)
TEMPLATES: list[Template] = [
    Template(540, WIKIPEDIA, "Add {{title}} to my watchlist.", watch),
    Template(541, WIKIPEDIA, "Remove {{title}} from my watchlist.", unwatch),
    Template(542, WIKIPEDIA, "Save {{place}} among my saved places.", save_place, held_out=True),
    Template(543, WIKIPEDIA, 'Post "{{comment}}" on the talk page of {{title}}.', comment),
    Template(544, WIKIPEDIA, 'Change the text of the section {{heading}} of {{title}} to "{{text}}"', edit_section),
    Template(545, WIKIPEDIA, "The phone number of {{place}} is now {{phone}}. Correct its entry.", correct_phone),
    Template(
        546,
        WIKIPEDIA,
        "The opening hours of {{place}} are now {{hours}}. Correct its entry.",
        correct_hours,
        held_out=True,
    ),
    Template(
        547,
        WIKIPEDIA,
        'Correct the entry of {{place}}: its address is now "{{address}}" and its phone number {{phone}}.',
        moved,
    ),
    Template(548, WIKIPEDIA, "Correct the entry of {{place}}: it is {{accessible}} by wheelchair.", wheelchair),
]
