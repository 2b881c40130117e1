"""The encyclopedia: what its world holds, how it measures ways, and what its pages do with input."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from services.arena.app import EPISODE_HEADER, site_app
from services.arena.sites import SITES
from services.arena.sites.wiki import content, geography, prose
from services.arena.state import Registry
from services.arena.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World("eval", 3)


@pytest.fixture
async def wiki(world: World) -> AsyncIterator[httpx.AsyncClient]:
    registry = Registry()
    transport = httpx.ASGITransport(site_app(SITES["wikipedia"], registry))
    headers = {EPISODE_HEADER: registry.create(world)}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://wiki.test", headers=headers, follow_redirects=True
    ) as client:
        yield client


def test_a_world_has_sixty_articles_and_fifty_places_in_six_towns(world: World) -> None:
    assert world.query("SELECT COUNT(*) FROM wiki_article")[0][0] == 60
    assert world.query("SELECT COUNT(*) FROM wiki_place")[0][0] == 50
    towns = world.query("SELECT DISTINCT t.category FROM wiki_place p JOIN wiki_article t ON t.id = p.town_id")
    assert [row["category"] for row in towns] == ["Towns"]
    assert world.query("SELECT COUNT(DISTINCT town_id) FROM wiki_place")[0][0] == 6


def test_prose_says_what_the_box_of_facts_says(world: World) -> None:
    quoted = {kind.category: [label for label in kind.labels if f"{{{label}}}" in kind.summary] for kind in prose.KINDS}
    for article in world.query("SELECT * FROM wiki_article"):
        facts = dict(
            world.query("SELECT label, value FROM wiki_fact WHERE article_id = ?", article["id"])  # type: ignore[arg-type]
        )
        assert quoted[article["category"]]
        for label in quoted[article["category"]]:
            assert facts[label] in article["summary"]


def test_history_never_lies_in_the_future_and_is_in_order(world: World) -> None:
    rows = world.query("SELECT article_id, day FROM wiki_revision ORDER BY article_id, id")
    assert max(row["day"] for row in rows) < world.today.isoformat()
    assert rows == sorted(rows, key=lambda row: (row["article_id"], row["day"]))


def test_a_way_is_as_long_back_as_forth_and_longer_on_foot_than_by_car() -> None:
    forth, back = geography.route(0, 0, 3000, 4000, "foot"), geography.route(3000, 4000, 0, 0, "foot")
    assert forth == back
    assert forth.distance == "6.5 km"
    assert forth.duration == "1 h 18 min"
    assert geography.route(0, 0, 3000, 4000, "car").duration == "9 min"
    assert geography.route(5, 5, 5, 5, "car").duration == "1 min"


def test_neighbours_come_nearest_first_one_of_a_kind_without_the_place_itself(world: World) -> None:
    rows = world.query("SELECT * FROM wiki_place WHERE town_id = 4 ORDER BY id")
    for origin in rows:
        shown = content.nearest_by_kind(rows, origin)
        distances = [float(distance.split()[0]) for _, distance in shown]
        assert distances == sorted(distances)
        assert len({row["kind"] for row, _ in shown}) == len(shown) == content.NUM_NEARBY
        assert origin["id"] not in {row["id"] for row, _ in shown}


async def test_search_finds_titles_first_and_texts_only_without_a_title(wiki: httpx.AsyncClient, world: World) -> None:
    town = world.query("SELECT * FROM wiki_article WHERE id = 1")[0]
    by_title = await wiki.get("/search", params={"q": town["title"].upper()})
    assert "1 found" in by_title.text
    by_text = await wiki.get("/search", params={"q": "is a town of"})
    assert "6 found" in by_text.text
    assert "No article or place" in (await wiki.get("/search", params={"q": "%"})).text


async def test_directions_name_the_place_that_is_not_known(wiki: httpx.AsyncClient, world: World) -> None:
    known = world.query("SELECT name FROM wiki_place WHERE id = 1")[0]["name"]
    page = await wiki.get("/directions", params={"from": known, "to": "Nowhere Hotel"})
    assert "There is no place called Nowhere Hotel." in page.text
    assert "Distance:" not in page.text


async def test_directions_accept_names_in_any_letter_case(wiki: httpx.AsyncClient, world: World) -> None:
    here, there = world.query("SELECT * FROM wiki_place WHERE id IN (1, 20) ORDER BY id")
    page = await wiki.get("/directions", params={"from": here["name"].lower(), "to": there["name"], "by": "car"})
    way = geography.route(here["x"], here["y"], there["x"], there["y"], "car")
    assert f"Driving from {here['name']} to {there['name']}" in page.text
    assert f"Distance: {way.distance}" in page.text
    assert f"Driving time: {way.duration}" in page.text


async def test_an_edit_changes_the_section_and_enters_the_history(wiki: httpx.AsyncClient, world: World) -> None:
    slug = world.query("SELECT slug FROM wiki_article WHERE id = 9")[0]["slug"]
    saved = await wiki.post(f"/wiki/{slug}/edit/2", data={"body": "<b>Fresh</b> text", "note": "why"})
    assert saved.url.path == f"/wiki/{slug}"
    assert '<p id="section-2">&lt;b&gt;Fresh&lt;/b&gt; text</p>' in saved.text
    assert "Your changes to" in saved.text
    history = (await wiki.get(f"/wiki/{slug}/history")).text
    assert f"Last edited by: {content.VISITOR}" in history
    assert f"Last edited on: {world.today}" in history


@pytest.mark.parametrize("path", ["/wiki/{slug}/edit/1", "/wiki/{slug}/talk"])
async def test_empty_text_is_refused_with_what_to_do(wiki: httpx.AsyncClient, world: World, path: str) -> None:
    slug = world.query("SELECT slug FROM wiki_article WHERE id = 9")[0]["slug"]
    before = (await wiki.get(f"/wiki/{slug}")).text, (await wiki.get(f"/wiki/{slug}/talk")).text
    refused = await wiki.post(path.format(slug=slug), data={"body": "   "})
    assert "empty" in refused.text
    assert ((await wiki.get(f"/wiki/{slug}")).text, (await wiki.get(f"/wiki/{slug}/talk")).text) == before


async def test_watching_twice_is_watching_once(wiki: httpx.AsyncClient, world: World) -> None:
    watched = {row["article_id"] for row in world.query("SELECT article_id FROM wiki_watch")}
    row = next(row for row in world.query("SELECT * FROM wiki_article") if row["id"] not in watched)
    for _ in range(2):
        await wiki.post(f"/wiki/{row['slug']}/watch", data={"watch": "yes"})
    assert f"Watched articles: {len(watched) + 1}" in (await wiki.get("/watchlist")).text
    await wiki.post(f"/wiki/{row['slug']}/watch", data={"watch": "no"})
    assert row["title"] not in (await wiki.get("/watchlist")).text


async def test_a_correction_keeps_the_fields_that_were_left_empty(wiki: httpx.AsyncClient, world: World) -> None:
    place = world.query("SELECT * FROM wiki_place WHERE id = 7")[0]
    page = await wiki.post(f"/place/{place['slug']}/edit", data={"phone": "555-0000", "address": ""})
    assert "Phone: 555-0000" in page.text
    assert f"Address: {place['address']}" in page.text
    assert f"Opening hours: {place['hours']}" in page.text


@pytest.mark.parametrize(
    "path", ["/wiki/no-such", "/place/no-such", "/category/no-such", "/places/no-such", "/wiki/no-such/history"]
)
async def test_unknown_addresses_are_404_pages_of_the_site(wiki: httpx.AsyncClient, path: str) -> None:
    page = await wiki.get(path)
    assert page.status_code == 404
    assert "There is no such" in page.text or "under this address" in page.text
    assert "Back to the front page" in page.text
