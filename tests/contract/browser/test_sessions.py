"""How sessions begin, end, and die."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import grpc
import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.errors import BrowserMissing, PageNotLoaded, SessionCrashed, SessionGone
from services.common.errors import InvalidArgument, ResourceExhausted
from tests.contract.browser.conftest import SHOP, Opener, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


def observe(world: World, session: str) -> grpc.aio.UnaryUnaryCall:
    return world.stub.Observe(pb.ObserveRequest(session=session, format="compact"))


async def keep_calling(call: Callable[[], Awaitable[object]]) -> None:
    """Call until it fails."""
    while True:
        await call()


async def test_sessions_share_nothing(world: World) -> None:
    one, two = await asyncio.gather(world.open("/cart"), world.open("/cart"))
    await world.value(one.session, "document.cookie = 'login=ann'")
    assert "Login: ann" in (await world.act(one.session, f"goto [{SHOP}/cart]")).observation.text
    assert "Login: none" in (await world.act(two.session, f"goto [{SHOP}/cart]")).observation.text


async def test_the_same_request_opens_one_session(world: World) -> None:
    first = await world.open(request_id="r1")
    assert (await world.open(request_id="r1")).session == first.session
    assert (await world.open(request_id="r2")).session != first.session


async def test_deleting_twice_is_no_error_and_a_deleted_session_says_so(world: World) -> None:
    opened = await world.open()
    for _ in range(2):
        await world.stub.DeleteSession(pb.DeleteSessionRequest(session=opened.session))
    with pytest.raises(SessionGone, match="was deleted"):
        await observe(world, opened.session)
    with pytest.raises(SessionGone, match="there is no sessions/unknown"):
        await observe(world, "sessions/unknown")


async def test_a_renderer_that_crashes_costs_one_session(world: World) -> None:
    victim, beside = await asyncio.gather(world.open(), world.open())
    tab = world.registry.get(victim.session)._context.front
    crashing = asyncio.create_task(tab.send("Page.crash"))  # type: ignore[attr-defined]
    with pytest.raises(SessionCrashed) as crash:
        await keep_calling(lambda: observe(world, victim.session))
    assert crash.value.code is grpc.StatusCode.FAILED_PRECONDITION
    with pytest.raises(SessionCrashed):
        await observe(world, victim.session)
    assert (await observe(world, beside.session)).observation.title == "Shop"
    crashing.cancel()
    await asyncio.gather(crashing, return_exceptions=True)


async def test_a_page_that_is_busy_for_ever_is_interrupted_and_told(world: World) -> None:
    opened = await world.open("/trouble")
    outcome = await world.click(opened, "Busy", opened.session)
    assert outcome.error.endswith("button 'Busy' kept the page busy for 3 s; its script was stopped")
    assert outcome.observation.title == "Trouble"


async def test_a_browser_that_dies_ends_its_sessions_and_the_next_gets_a_new_one(opened: Opener) -> None:
    world = await opened(num_browsers=1)
    victims = [await world.open(), await world.open()]
    (process,) = world.browser.fleet.processes
    devtools = await process.browser.new_browser_cdp_session()
    crashing = asyncio.create_task(devtools.send("Browser.crash"))
    for victim in victims:
        with pytest.raises(SessionCrashed):
            await keep_calling(functools.partial(observe, world, victim.session))
    assert (await world.open()).observation.title == "Shop"
    await asyncio.gather(crashing, return_exceptions=True)


async def test_a_session_dies_with_its_budget_even_in_the_middle_of_a_call(world: World) -> None:
    opened = await world.open("/trouble", budget_s=1.0)
    request = pb.ActRequest(session=opened.session, action=f"goto [{SHOP}/hangs]")
    with pytest.raises(SessionGone, match="time budget"):
        await keep_calling(lambda: world.stub.Act(request))


async def test_an_idle_session_dies(opened: Opener) -> None:
    world = await opened(idle_s=0.2)
    session = (await world.open()).session
    await asyncio.wait_for(world.registry.get(session).over.wait(), 10)
    with pytest.raises(SessionGone, match=r"was not used for 0\.2 s"):
        await observe(world, session)


async def test_one_session_too_many_is_refused_and_room_is_made_by_deleting(opened: Opener) -> None:
    world = await opened(max_sessions=1)
    first = await world.open()
    with pytest.raises(ResourceExhausted, match="1 sessions are open"):
        await world.open()
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=first.session))
    assert (await world.open()).session


async def test_a_session_that_is_still_loading_counts_once(opened: Opener) -> None:
    world = await opened(max_sessions=2)
    loading = asyncio.create_task(world.open("/hangs"))
    while "/hangs" not in world.asked:
        await asyncio.wait([loading], timeout=0.05)
    assert (await world.open()).observation.title == "Shop"
    loading.cancel()


async def test_a_start_page_that_never_loads_is_named_in_bounded_time_and_leaves_no_session(opened: Opener) -> None:
    world = await opened(max_sessions=1, load_timeout_s=0.5)
    with pytest.raises(PageNotLoaded, match=f"{SHOP}/hangs did not load within 0.5 s"):
        await world.open("/hangs")
    assert (await world.open()).session


async def test_a_site_that_is_down_is_named(world: World) -> None:
    sites = [pb.Site(display_url=SHOP, real_url="http://127.0.0.1:9")]
    with pytest.raises(PageNotLoaded, match=r"http://shop.test/x .*ERR_.*is the site up"):
        await world.stub.CreateSession(pb.CreateSessionRequest(sites=sites, start_url=f"{SHOP}/x"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"start_url": "http://evil.example/"}, "start_url: http://evil.example/ is outside"),
        ({"storage_state_json": "{"}, "storage_state_json is not JSON"),
        ({"storage_state_json": '{"cookies": [{"name": 7}]}'}, "does not take what the session is opened with: "),
        ({"observation_format": "html"}, "use one of compact, webarena-axtree"),
        ({"viewport_width": 5}, "5 x 720 is not possible"),
        ({"budget_s": -1}, "budget_s is -1"),
        ({"sites": [pb.Site(display_url="shop", real_url="x")]}, "sites: 'shop' is not an http"),
    ],
)
async def test_a_bad_request_names_its_field(world: World, fields: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidArgument, match=told):
        await world.open(**fields)


async def test_a_machine_without_chromium_is_told_what_to_do(opened: Opener, tmp_path: object) -> None:
    world = await opened(executable=f"{tmp_path}/no-chromium")
    with pytest.raises(BrowserMissing, match="no-chromium, which is no program"):
        await world.open()
