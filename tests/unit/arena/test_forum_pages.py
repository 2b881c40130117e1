"""The forum: voting, subscribing, saving, writing, finding, and what its pages refuse."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import httpx
import pytest

from services.arena.app import EPISODE_HEADER, site_app
from services.arena.names import PARTITIONS
from services.arena.sites import SITES
from services.arena.state import Registry
from services.arena.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World("eval", 4)


@pytest.fixture
async def guest(world: World) -> AsyncIterator[httpx.AsyncClient]:
    registry = Registry()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(site_app(SITES["reddit"], registry)),
        base_url=SITES["reddit"].display_url,
        headers={EPISODE_HEADER: registry.create(world)},
        follow_redirects=True,
    ) as client:
        yield client


@pytest.fixture
async def member(world: World, guest: httpx.AsyncClient) -> httpx.AsyncClient:
    account = world.accounts["reddit"]
    page = await guest.post("/login", data={"username": account.username, "password": account.password})
    assert f"Welcome back, {account.name}." in page.text
    return guest


@pytest.fixture(scope="module")
def thread(world: World) -> sqlite3.Row:
    return world.query("SELECT * FROM forum_threads WHERE author_id != 1 ORDER BY id")[0]


def shown(text: str) -> str:
    """A fact as a page writes it, up to the end of its element."""
    return f">{text}</p>"


def test_a_forum_has_the_promised_size(world: World) -> None:
    sizes = {
        table: world.query(f"SELECT COUNT(*) FROM forum_{table}")[0][0]
        for table in ("users", "boards", "threads", "comments")
    }
    assert sizes == {"users": 25, "boards": 8, "threads": 60, "comments": 150}


def test_the_same_seed_gives_the_same_forum_and_another_seed_another() -> None:
    sql = "SELECT title, body, created, score FROM forum_threads ORDER BY id"
    first, again, other = ([tuple(row) for row in World("train", seed).query(sql)] for seed in (8, 8, 9))
    assert first == again
    assert not {row[0] for row in first} & {row[0] for row in other}


def test_forums_of_two_partitions_share_no_name() -> None:
    sql = "SELECT title FROM forum_threads UNION SELECT username FROM forum_users UNION SELECT name FROM forum_boards"
    names = [{row[0] for row in World(partition, 1).query(sql)} for partition in PARTITIONS]
    assert sum(map(len, names)) == len(set.union(*names)) == 3 * (60 + 25 + 8)


def test_no_comment_is_older_than_its_thread_or_later_than_today(world: World) -> None:
    sql = "SELECT c.created, t.created FROM forum_comments c JOIN forum_threads t ON t.id = c.thread_id"
    assert all(thread <= comment <= world.today.isoformat() for comment, thread in world.query(sql))


async def test_a_second_vote_takes_the_first_one_back(member: httpx.AsyncClient, thread: sqlite3.Row) -> None:
    path, score = f"/threads/{thread['id']}", thread["score"]
    page = await member.post(f"{path}/vote", data={"vote": "up"})
    assert shown("Your vote: Up") in page.text
    assert shown(f"Points: {score + 1}") in page.text
    page = await member.post(f"{path}/vote", data={"vote": "down"})
    assert shown("Your vote: Down") in page.text
    assert shown(f"Points: {score - 1}") in page.text
    page = await member.post(f"{path}/vote", data={"vote": "down"})
    assert shown("Your vote: None") in page.text
    assert shown(f"Points: {score}") in page.text


async def test_a_vote_that_is_neither_up_nor_down_is_refused(member: httpx.AsyncClient, thread: sqlite3.Row) -> None:
    page = await member.post(f"/threads/{thread['id']}/vote", data={"vote": "sideways"})
    assert page.status_code == 404
    assert "up or down" in page.text
    assert shown("Your vote: None") in (await member.get(f"/threads/{thread['id']}")).text


@pytest.mark.parametrize("action", ["vote", "save", "comments", "edit", "delete"])
async def test_a_guest_is_asked_to_sign_in_before_changing_anything(
    guest: httpx.AsyncClient, thread: sqlite3.Row, action: str
) -> None:
    path = f"/threads/{thread['id']}"
    before = (await guest.get(path)).text
    page = await guest.post(f"{path}/{action}", data={"vote": "up", "body": "hello"})
    assert page.url.path == "/login"
    assert (await guest.get(path)).text == before


async def test_subscribing_counts_one_more_member_and_lists_the_board(member: httpx.AsyncClient, world: World) -> None:
    board = world.query("SELECT * FROM forum_boards WHERE id NOT IN (SELECT board_id FROM forum_subscriptions)")[0]
    page = await member.post(f"/boards/{board['slug']}/subscribe")
    assert shown("Subscribed: Yes") in page.text
    assert shown(f"Members: {board['members'] + 1}") in page.text
    assert board["name"] in (await member.get("/subscriptions")).text
    page = await member.post(f"/boards/{board['slug']}/subscribe")
    assert shown("Subscribed: No") in page.text
    assert board["name"] not in (await member.get("/subscriptions")).text


async def test_saved_threads_are_listed_until_unsaved(member: httpx.AsyncClient, world: World) -> None:
    thread = world.query("SELECT * FROM forum_threads WHERE id NOT IN (SELECT thread_id FROM forum_saved)")[0]
    assert shown("Saved: Yes") in (await member.post(f"/threads/{thread['id']}/save")).text
    assert thread["title"] in (await member.get("/saved")).text
    assert shown("Saved: No") in (await member.post(f"/threads/{thread['id']}/save")).text
    assert f"/threads/{thread['id']}" not in (await member.get("/saved")).text


async def test_a_comment_shows_under_its_writers_name_and_escaped(
    member: httpx.AsyncClient, world: World, thread: sqlite3.Row
) -> None:
    page = await member.post(f"/threads/{thread['id']}/comments", data={"body": "<b>loud</b>"})
    assert f"{world.accounts['reddit'].username}: &lt;b&gt;loud&lt;/b&gt;" in page.text


async def test_an_empty_comment_is_not_posted(member: httpx.AsyncClient, thread: sqlite3.Row) -> None:
    before = (await member.get(f"/threads/{thread['id']}")).text.count('class="comment-body"')
    page = await member.post(f"/threads/{thread['id']}/comments", data={"body": "  "})
    assert "was not posted" in page.text
    assert page.text.count('class="comment-body"') == before


async def test_a_long_discussion_is_paged_and_shows_a_new_comment_at_once(
    member: httpx.AsyncClient, thread: sqlite3.Row
) -> None:
    for number in range(9):
        page = await member.post(f"/threads/{thread['id']}/comments", data={"body": f"Remark {number}."})
        assert f": Remark {number}." in page.text
    assert page.url.params["page"] == "2"


async def test_only_the_author_edits_or_deletes_a_thread(
    member: httpx.AsyncClient, world: World, thread: sqlite3.Row
) -> None:
    for action in ("edit", "delete"):
        page = await member.post(f"/threads/{thread['id']}/{action}", data={"body": "mine now"})
        assert page.status_code == 404
        assert "not yours" in page.text
    assert thread["body"] in (await member.get(f"/threads/{thread['id']}")).text
    own = world.query("SELECT * FROM forum_threads WHERE author_id = 1")[0]
    assert "mine now" in (await member.post(f"/threads/{own['id']}/edit", data={"body": "mine now"})).text
    await member.post(f"/threads/{own['id']}/delete")
    assert (await member.get(f"/threads/{own['id']}")).status_code == 404


async def test_a_new_thread_needs_a_title_and_leads_its_board(member: httpx.AsyncClient, world: World) -> None:
    board = world.query("SELECT * FROM forum_boards")[0]
    page = await member.post(f"/boards/{board['slug']}/new", data={"title": "", "body": "kept text"})
    assert page.status_code == 422
    assert "needs a title" in page.text
    assert "kept text" in page.text
    page = await member.post(f"/boards/{board['slug']}/new", data={"title": "Fresh news", "body": "Read me"})
    assert page.url.path == "/threads/161"
    listed = (await member.get(f"/boards/{board['slug']}")).text
    assert listed.split('href="/threads/')[1].startswith('161">Fresh news<')


async def test_a_board_is_sorted_as_asked(guest: httpx.AsyncClient, world: World) -> None:
    board = world.query("SELECT * FROM forum_boards")[0]
    rows = world.query("SELECT * FROM forum_threads WHERE board_id = ? ORDER BY score DESC", board["id"])
    page = (await guest.get(f"/boards/{board['slug']}?sort=top")).text
    places = [page.index(row["title"]) for row in rows]
    assert places == sorted(places)
    assert (await guest.get(f"/boards/{board['slug']}?sort=oddest")).status_code == 404


async def test_search_finds_threads_boards_and_members_by_words(
    guest: httpx.AsyncClient, world: World, thread: sqlite3.Row
) -> None:
    user, board = (world.query(f"SELECT * FROM forum_{table}")[3] for table in ("users", "boards"))
    for text, path in (
        (thread["title"].upper(), f"/threads/{thread['id']}"),
        (user["username"], f"/users/{user['username']}"),
        (board["name"], f"/boards/{board['slug']}"),
    ):
        assert f'href="{path}"' in (await guest.get("/search", params={"q": text})).text
    assert "Nothing was found" in (await guest.get("/search", params={"q": "zzz 100% _"})).text


async def test_signs_that_a_database_knows_are_only_text_to_search(guest: httpx.AsyncClient) -> None:
    for text in ("%", "_", "'; DROP TABLE forum_users; --"):
        assert "Nothing was found" in (await guest.get("/search", params={"q": text})).text


@pytest.mark.parametrize("path", ["/boards/none", "/threads/9999", "/threads/first", "/users/nobody"])
async def test_what_does_not_exist_is_named(guest: httpx.AsyncClient, path: str) -> None:
    page = await guest.get(path)
    assert page.status_code == 404
    assert "There is no" in page.text
    assert path.rsplit("/", 1)[1] in page.text
