"""Pages that never end, grow, freeze or flood: the session answers in time, clearly, and nobody else notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import pytest
import pytest_asyncio

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.errors import SessionCrashed
from services.browser.settings import BrowserSettings
from tests.contract.browser import conftest
from tests.contract.browser.conftest import SHOP, Opener, World

pytestmark = pytest.mark.asyncio(loop_scope="module")

T = TypeVar("T")
# Longer than every bound of the room together, and much shorter than for ever.
_PATIENCE_S = 40.0
_CUT = "(the page has more than is shown here)"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A room whose bounds are short: bad pages are waited for."""
    settings = BrowserSettings(settle_s=1.0, load_timeout_s=1.5, call_timeout_s=2.0, num_browsers=1)
    async with conftest._world(tmp_path_factory.mktemp("room"), settings) as world:
        yield world


async def beside(world: World, work: Awaitable[T]) -> T:
    """What the work comes to, while a session in the same browser acts and sees."""
    neighbour, num_seen = await world.open("/cart"), 0
    working = asyncio.ensure_future(work)
    async with asyncio.timeout(_PATIENCE_S):
        while not working.done() or not num_seen:
            outcome = await world.act(neighbour.session, "scroll [down]")
            assert (outcome.error, outcome.observation.title) == ("", "Cart")
            num_seen += 1
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=neighbour.session))
    return await working


async def visit(world: World, page: str, *clicks: str) -> tuple[str, list[pb.ActResponse]]:
    """A session that goes to a bad page, clicks there, and looks again: what it was told at each step."""
    session = (await world.open("/bad/plain")).session
    told = [await world.act(session, f"goto [{SHOP}/bad/{page}]")]
    for name in clicks:
        told.append(await world.click(told[-1], name, session))
    told.append(await world.act(session, "scroll [down]"))
    return session, told


async def leaves(world: World, session: str) -> bool:
    """Whether the session gets away from the page and sees another."""
    outcome = await world.act(session, f"goto [{SHOP}/cart]")
    return (outcome.error, outcome.observation.title) == ("", "Cart")


async def test_redirects_without_end_are_named(world: World) -> None:
    session, (first, _) = await beside(world, visit(world, "redirects/0"))
    assert first.error == f"{SHOP}/bad/redirects/0 net::ERR_TOO_MANY_REDIRECTS"
    assert await leaves(world, session)


@pytest.mark.parametrize(
    ("page", "words"), [("loop", "Honest"), ("refresh", "Again"), ("stream", "more"), ("busy", "Bad")]
)
async def test_a_page_that_never_finishes_is_shown_as_far_as_it_got(world: World, page: str, words: str) -> None:
    session, told = await beside(world, visit(world, page))
    for outcome in told:
        assert outcome.error in ("", f"{SHOP}/bad/{page} did not load within 1.5 s")
        assert words in outcome.observation.text
    assert await leaves(world, session)


async def test_a_page_of_which_nothing_has_come_yet_is_waited_for(world: World) -> None:
    session, told = await beside(world, visit(world, "slow", "On"))
    assert "At last" in told[1].observation.text
    assert await leaves(world, session)


async def test_a_page_that_is_gone_before_anything_has_come_is_told_as_empty(world: World) -> None:
    session, told = await beside(world, visit(world, "void"))
    for outcome in told:
        assert outcome.error in ("", f"{SHOP}/bad/void did not load within 1.5 s")
        assert not outcome.observation.elements
    assert await leaves(world, session)


async def test_a_page_that_is_busy_whenever_it_can_costs_at_most_its_own_session(world: World) -> None:
    try:
        session, told = await beside(world, visit(world, "busy-again"))
    except SessionCrashed:
        return
    assert told[-1].observation.title == "Bad"
    assert await leaves(world, session)


@pytest.mark.parametrize("page", ["nodes", "big"])
async def test_a_huge_page_is_cut_and_told_so(opened: Opener, page: str) -> None:
    world = await opened(load_timeout_s=1.5, max_page_bytes=3 * 1024**3)
    session, (_, seen) = await beside(world, visit(world, page))
    assert seen.observation.text.endswith(_CUT)
    assert len(seen.observation.text) < 3 * 1024**2
    assert seen.observation.elements[0].name in ("Honest", "First")
    assert await leaves(world, session)


async def test_a_page_that_freezes_after_a_click_is_thawed(world: World) -> None:
    session, told = await beside(world, visit(world, "busy-later", "Freeze"))
    assert [outcome.observation.title for outcome in told] == ["Bad"] * 3
    assert (await world.click(told[-1], "Honest", session)).observation.title == "reached"


async def test_a_page_cannot_keep_the_agent(world: World) -> None:
    session, told = await beside(world, visit(world, "leave", "Honest"))
    left = await world.act(session, f"goto [{SHOP}/cart]")
    assert left.observation.title == "Cart"
    assert left.events == ["left in spite of beforeunload: "]
    assert told[1].observation.title == "reached"


async def test_dialogs_without_end_are_survived(world: World) -> None:
    session, told = await beside(world, visit(world, "alerts"))
    assert any("alert: one" in event for event in told[0].events)
    assert await leaves(world, session)


async def test_a_history_without_end_holds_up_nobody(world: World) -> None:
    session, told = await beside(world, visit(world, "history"))
    assert not told[0].error
    assert await leaves(world, session)


async def test_downloads_without_end_are_refused(world: World) -> None:
    session, told = await beside(world, visit(world, "downloads", "Storm"))
    events = [event for outcome in told for event in outcome.events]
    assert events
    assert all(event.startswith(("refused to download", "and ")) for event in events)
    assert await leaves(world, session)


@pytest.mark.parametrize(("page", "clicks"), [("frames", ()), ("windows", ("Storm",))])
async def test_a_storm_of_pages_costs_at_most_its_own_session(world: World, page: str, clicks: tuple[str, ...]) -> None:
    try:
        session, told = await beside(world, visit(world, page, *clicks))
    except SessionCrashed:
        return
    assert all(outcome.observation.num_tabs <= 20 for outcome in told)
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=session))
