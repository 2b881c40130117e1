"""Contexts and processes that are ready before they are asked for, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.errors import SessionCrashed
from tests.contract.browser.conftest import SHOP, Opener, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def until(world: World, condition: Callable[[], bool]) -> None:
    """Ask the room for something harmless until it is so, at most ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await world.stub.DeleteSession(pb.DeleteSessionRequest(session="sessions/none"))


async def keep_calling(call: Callable[[], Awaitable[object]]) -> None:
    """Call until it fails."""
    while True:
        await call()


async def begun(world: World, **more: object) -> pb.CreateSessionResponse:
    """A session that has acted once: only then the next is prepared."""
    opened = await world.open("/cart", **more)
    await world.act(opened.session, "scroll [down]")
    return opened


async def test_the_next_session_takes_a_context_that_nobody_used(opened: Opener) -> None:
    world = await opened(warm_contexts=1)
    first = await begun(world)
    fresh = await world.value(first.session, "[localStorage.length, history.length].join()")
    await world.value(first.session, "document.cookie = 'login=ann', localStorage.a = 1")
    await until(world, lambda: len(world.browser.spares) == 1)
    (spare,) = world.browser.spares
    second = await world.open("/cart", headers={"x-episode": "e2"})
    assert world.registry.get(second.session)._context is spare
    assert "Login: none" in second.observation.text
    assert "Episode: e2" in second.observation.text
    assert await world.value(second.session, "[localStorage.length, history.length].join()") == fresh


async def test_a_spare_goes_only_to_a_session_like_the_one_it_was_made_for(opened: Opener) -> None:
    world = await opened(warm_contexts=1)
    await begun(world)
    await until(world, lambda: len(world.browser.spares) == 1)
    wide = await world.open("/cart", viewport_width=1000, locale="de-DE", timezone_id="Asia/Tokyo")
    told = "[innerWidth, navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone].join()"
    assert await world.value(wide.session, told) == "1000,de-DE,Asia/Tokyo"
    assert len(world.browser.spares) == 1


async def test_there_are_never_more_spares_than_allowed_and_the_last_profiles_count(opened: Opener) -> None:
    world = await opened(warm_contexts=2)
    for width in (800, 900, 1000):
        await begun(world, viewport_width=width)
    await until(
        world, lambda: {spare.front.page.viewport_size["width"] for spare in world.browser.spares} == {900, 1000}
    )
    assert len(world.browser.spares) == 2


async def test_a_session_brings_its_state_into_a_spare(opened: Opener) -> None:
    world = await opened(warm_contexts=1)
    await begun(world)
    host = world.site.removeprefix("http://").partition(":")[0]
    cookies = f'[{{"name": "login", "value": "bob", "domain": "{host}", "path": "/"}}]'
    origins = f'[{{"origin": "{world.site}", "localStorage": [{{"name": "cart", "value": "7"}}]}}]'
    for state, cart in ((f'{{"cookies": {cookies}}}', ""), (f'{{"cookies": {cookies}, "origins": {origins}}}', "7")):
        await until(world, lambda: len(world.browser.spares) == 1)
        session = await world.open("/cart", storage_state_json=state)
        assert "Login: bob" in session.observation.text
        assert await world.value(session.session, "localStorage.cart || ''") == cart
        assert session.observation.num_tabs == 1
        await world.act(session.session, "scroll [down]")


async def test_an_old_spare_is_closed_and_not_opened_again(opened: Opener) -> None:
    world = await opened(warm_contexts=1, warm_s=2.0)
    await begun(world)
    await until(world, lambda: len(world.browser.spares) == 1)
    (spare,) = world.browser.spares
    page = spare.front.page
    await until(world, page.is_closed)
    assert len(world.browser.spares) == 0


async def test_a_spare_that_dies_is_replaced(opened: Opener) -> None:
    world = await opened(warm_contexts=1)
    await begun(world)
    await until(world, lambda: len(world.browser.spares) == 1)
    (spare,) = world.browser.spares
    crashing = asyncio.create_task(spare.front.line.send("Page.crash"))
    await until(world, lambda: len(world.browser.spares) == 1 and spare not in world.browser.spares)
    assert (await world.open()).observation.title == "Shop"
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)


async def test_a_process_that_served_its_share_is_replaced_under_living_sessions(opened: Opener) -> None:
    world = await opened(warm_contexts=0, sessions_per_browser=2)
    first, second = await world.open(), await world.open()
    (old,) = [process for process in world.browser.fleet.processes if process.contexts]
    await until(world, lambda: old.retired)
    third = await world.open()
    (new,) = [process for process in world.browser.fleet.processes if process is not old]
    assert world.registry.get(third.session)._context in new.contexts
    for session in (first, second):
        assert (await world.act(session.session, f"goto [{SHOP}/cart]")).observation.title == "Cart"
        await world.stub.DeleteSession(pb.DeleteSessionRequest(session=session.session))
    await until(world, lambda: world.browser.fleet.processes == [new] and not old.alive)


async def test_a_process_that_grew_is_replaced(opened: Opener) -> None:
    world = await opened(warm_contexts=0, max_browser_bytes=64 * 1024**2)  # less than Chromium needs at all
    session = await world.open()
    (old,) = [process for process in world.browser.fleet.processes if process.contexts]
    assert old.memory_bytes() > 64 * 1024**2
    await until(world, lambda: old.retired)
    assert (await world.act(session.session, f"goto [{SHOP}/cart]")).observation.title == "Cart"


async def test_processes_are_started_ahead(opened: Opener) -> None:
    world = await opened(num_browsers=2)
    await world.browser.start()
    assert len(world.browser.fleet.processes) == 2
    one, two = await world.open(), await world.open()
    assert [len(process.contexts) for process in world.browser.fleet.processes] == [1, 1]
    (process, _) = world.browser.fleet.processes
    dying = asyncio.create_task(process.line.send("Browser.crash", {}))
    with pytest.raises(SessionCrashed):
        await keep_calling(lambda: world.act(one.session, "scroll [down]"))
    assert (await world.act(two.session, "scroll [down]")).observation.title == "Shop"
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
