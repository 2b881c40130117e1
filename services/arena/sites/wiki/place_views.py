"""The pages about places: lists by town, one place, corrections, saved places, directions."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.wiki import content, geography, prose
from services.arena.web import Visit

MODES = (("foot", "On foot"), ("bicycle", "By bicycle"), ("car", "By car"))
SELECT_PLACE = (
    "SELECT p.*, t.title AS town, t.slug AS town_slug FROM wiki_place p JOIN wiki_article t ON t.id = p.town_id"
)


async def places(visit: Visit) -> Response:
    """The towns whose places are listed."""
    page = visit.paged(
        "SELECT 'Places in ' || title AS title, '/places/' || slug AS href, '' AS note"
        " FROM wiki_article WHERE category = 'Towns' ORDER BY title"
    )
    return visit.render("wiki/listing.html", heading="Places by town", page=page, note="", empty="", choices=())


async def town_places(visit: Visit) -> Response:
    """The places of one town, all of them or those of one kind."""
    town = visit.db.one("SELECT * FROM wiki_article WHERE category = 'Towns' AND slug = ?", visit.params["town"])
    kind = visit.params.get("kind", "")
    if town is None or (kind and kind not in prose.KIND_PLURALS.values()):
        return visit.not_found("There is no such town or kind of place.")
    singular = next((one for one, many in prose.KIND_PLURALS.items() if many == kind), "")
    page = visit.paged(
        "SELECT name AS title, '/place/' || slug AS href, kind || ', ' || address AS note FROM wiki_place"
        " WHERE town_id = ? AND (? = '' OR kind = ?) ORDER BY name",
        town["id"],
        singular,
        singular,
    )
    what = kind.capitalize() if kind else "Places"
    return visit.render(
        "wiki/listing.html",
        heading=f"{what} in {town['title']}",
        choices=[(many.capitalize(), f"/places/{town['slug']}/{many}") for many in prose.KIND_PLURALS.values()],
        page=page,
        note="",
        empty="No such place in this town.",
    )


async def place(visit: Visit) -> Response:
    """One place: its facts, a sketch of the map, the nearest other places by kind."""
    here = _place(visit)
    if here is None:
        return visit.not_found("There is no place under this address.")
    others = visit.db.rows(f"{SELECT_PLACE} WHERE p.town_id = ? ORDER BY p.id", here["town_id"])
    return visit.render(
        "wiki/place.html",
        place=here,
        saved=visit.db.one("SELECT 1 FROM wiki_saved WHERE place_id = ?", here["id"]) is not None,
        nearby=content.nearest_by_kind(others, here),
        dot=_dot(here, others),
        dots=[_dot(row, others) for row in others if row["id"] != here["id"]],
    )


async def correct(visit: Visit) -> Response:
    """Change what is known about a place."""
    here = _place(visit)
    if here is None:
        return visit.not_found("There is no place under this address.")
    if not visit.is_post:
        return visit.render("wiki/correct.html", place=here)
    form = await visit.form()
    values = {key: form.get(key, "").strip() or here[key] for key in ("address", "phone", "hours", "wheelchair")}
    if values["wheelchair"] not in ("yes", "no"):
        return visit.redirect(visit.path, flash="Choose whether the place is accessible.")
    visit.db.write(
        "UPDATE wiki_place SET address = ?, phone = ?, hours = ?, wheelchair = ? WHERE id = ?",
        *values.values(),
        here["id"],
    )
    return visit.redirect(f"/place/{here['slug']}", flash=f"{here['name']} was updated.")


async def save(visit: Visit) -> Response:
    """Put a place among the saved ones or take it off."""
    here = _place(visit)
    if here is None:
        return visit.not_found("There is no place under this address.")
    if (await visit.form()).get("save") == "yes":
        visit.db.write("INSERT OR IGNORE INTO wiki_saved VALUES (?)", here["id"])
        said = f"{here['name']} is among your saved places now."
    else:
        visit.db.write("DELETE FROM wiki_saved WHERE place_id = ?", here["id"])
        said = f"{here['name']} was removed from your saved places."
    return visit.redirect(f"/place/{here['slug']}", flash=said)


async def saved(visit: Visit) -> Response:
    """The places that the visitor saved."""
    page = visit.paged(
        "SELECT p.name AS title, '/place/' || p.slug AS href, p.kind || ' in ' || t.title AS note"
        " FROM wiki_saved s JOIN wiki_place p ON p.id = s.place_id"
        " JOIN wiki_article t ON t.id = p.town_id ORDER BY p.name"
    )
    return visit.render(
        "wiki/listing.html",
        heading="Your saved places",
        page=page,
        note=f"Saved places: {page.num_items}",
        empty="You saved no place.",
        choices=(),
    )


async def directions(visit: Visit) -> Response:
    """The form for a way between two places and, once both are known, the way."""
    start, end = visit.query.get("from", "").strip(), visit.query.get("to", "").strip()
    by = visit.query.get("by", "foot")
    by = by if by in geography.MODE_NAMES else "foot"
    here, there = _named(visit, start), _named(visit, end)
    problems = [
        f"There is no place called {words}. Check the name and show the route again."
        for words, row in ((start, here), (end, there))
        if words and row is None
    ]
    way, direction = None, ""
    if here is not None and there is not None:
        points = (here["x"], here["y"], there["x"], there["y"])
        way, direction = geography.route(*points, by), geography.heading(*points)
    return visit.render(
        "wiki/directions.html",
        start=start,
        end=end,
        by=by,
        modes=MODES,
        mode_name=geography.MODE_NAMES[by],
        here=here,
        there=there,
        problems=problems,
        way=way,
        direction=direction,
    )


def _place(visit: Visit) -> sqlite3.Row | None:
    return visit.db.one(f"{SELECT_PLACE} WHERE p.slug = ?", visit.params["place"])


def _named(visit: Visit, words: str) -> sqlite3.Row | None:
    """The place with this name in any letter case, or the only one whose name holds the words."""
    if not words:
        return None
    exact = visit.db.one(f"{SELECT_PLACE} WHERE lower(p.name) = lower(?)", words)
    if exact is not None:
        return exact
    partly = visit.db.rows(f"{SELECT_PLACE} WHERE instr(lower(p.name), lower(?)) > 0", words)
    return partly[0] if len(partly) == 1 else None


def _dot(row: sqlite3.Row, town: list[sqlite3.Row]) -> tuple[int, int]:
    """Where a place lies on the 200 x 200 sketch of its town."""
    xs, ys = [other["x"] for other in town], [other["y"] for other in town]
    across, up = max(xs) - min(xs) or 1, max(ys) - min(ys) or 1
    return 20 + (row["x"] - min(xs)) * 160 // across, 180 - (row["y"] - min(ys)) * 160 // up
