"""What a session may use, and that using it up ends this session, says why, and no other notices."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.errors import SessionCrashed, SessionGone
from tests.contract.browser.conftest import SHOP, Opener, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def until_it_ends(call: Callable[[], Awaitable[object]]) -> None:
    """Call until it fails, at most half a minute."""
    async with asyncio.timeout(30):
        while True:
            await call()


async def still_works(world: World, session: str) -> bool:
    """Whether a session acts and sees."""
    return (await world.act(session, f"goto [{SHOP}/cart]")).observation.title == "Cart"


async def test_too_many_bytes_end_one_session(opened: Opener) -> None:
    world = await opened(max_session_bytes=2_000_000, load_timeout_s=2.0)
    victim, beside = await world.open("/bad/plain"), await world.open("/cart")
    with pytest.raises(SessionGone, match=r"received more than 2 MB, all of its budget; .*BROWSER__MAX_SESSION_BYTES"):
        await until_it_ends(lambda: world.act(victim.session, f"goto [{SHOP}/bad/big]"))
    assert await still_works(world, beside.session)


@pytest.mark.parametrize("page", ["/bad/fetches", "/bad/worker-fetches", "/bad/shared-worker-fetches"])
async def test_too_many_requests_end_one_session(opened: Opener, page: str) -> None:
    world = await opened(max_session_requests=300)
    victim, beside = await world.open(page), await world.open("/cart")
    asking = asyncio.create_task(world.click(victim, "Ask", victim.session))
    with pytest.raises(SessionGone, match=r"made more than 300 requests, all of its budget; open a new session, or"):
        await until_it_ends(lambda: world.act(victim.session, "scroll [down]"))
    assert await still_works(world, beside.session)
    await asyncio.gather(asking, return_exceptions=True)


async def test_too_much_memory_ends_one_session(opened: Opener) -> None:
    world = await opened(max_page_bytes=400 * 1024**2, settle_s=2.0, call_timeout_s=3.0)
    victim, beside = await world.open("/bad/hog"), await world.open("/cart")
    eating = asyncio.create_task(world.click(victim, "Eat", victim.session))
    with pytest.raises(SessionCrashed, match=r"had a page that needed more memory than a page may \(419 MB, RATCHET_"):
        await until_it_ends(lambda: world.act(victim.session, "scroll [down]"))
    assert await still_works(world, beside.session)
    await asyncio.gather(eating, return_exceptions=True)


async def test_one_tab_too_many_is_an_error_for_the_model(opened: Opener) -> None:
    world = await opened(max_tabs=2)
    session = (await world.open()).session
    assert not (await world.act(session, "new_tab")).error
    outcome = await world.act(session, "new_tab")
    assert outcome.error == "the session has 2 tabs, no more are allowed; close one first"
    assert outcome.observation.num_tabs == 2
    await world.act(session, "close_tab")
    assert not (await world.act(session, "new_tab")).error
    # Evaluators read pages beside the agent's.
    assert (await world.stub.Probe(pb.ProbeRequest(session=session, url=f"{SHOP}/cart"))).content


async def test_a_client_that_leaves_while_its_session_opens_leaves_none_behind(opened: Opener) -> None:
    world = await opened(max_sessions=1, load_timeout_s=60.0)
    leaving = asyncio.create_task(world.open("/hangs"))
    while "/hangs" not in world.asked:
        await asyncio.wait([leaving], timeout=0.05)
    (session,) = world.registry._sessions.values()
    leaving.cancel()
    await asyncio.wait_for(session.over.wait(), 10)
    assert (await world.open()).observation.title == "Shop"
