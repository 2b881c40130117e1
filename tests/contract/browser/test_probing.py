"""What evaluators read."""

from __future__ import annotations

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from tests.contract.browser.conftest import SHOP, World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def probe(world: World, session: str, url: str, locator: str, *prep: str) -> pb.ProbeResponse:
    return await world.stub.Probe(pb.ProbeRequest(session=session, url=url, locator=locator, prep_actions=prep))


@pytest.mark.parametrize(
    ("locator", "content"),
    [
        ("document.querySelector('h1').outerText", "Velmora Kettle"),
        ("document.querySelector('h1')", "Velmora Kettle"),
        ("document.querySelector('#q').value;", "old words"),
        ("document.querySelector('select').selectedIndex", "0"),
        ("document.querySelector('#s').checked", "True"),
        ("[...document.querySelectorAll('header a')].map(a => a.outerText)", "['Home', 'Cart']"),
        ("document.querySelector('#nothing')", ""),
        ("document.querySelector('header a').href", f"{SHOP}/"),
    ],
)
async def test_a_locator_gives_its_value_as_text(world: World, locator: str, content: str) -> None:
    opened = await world.open("/cart")
    probed = await probe(world, opened.session, f"{SHOP}/", locator)
    assert (probed.content, probed.error, probed.url) == (content, "", f"{SHOP}/")


async def test_without_a_locator_the_whole_page_is_given(world: World) -> None:
    opened = await world.open("/cart")
    probed = await probe(world, opened.session, "last", "")
    assert "<h1>Cart</h1>" in probed.content
    assert probed.url == f"{SHOP}/cart"


async def test_a_probe_uses_the_sessions_login_and_leaves_its_tabs_alone(world: World) -> None:
    state = '{"cookies": [{"name": "login", "value": "ann", "domain": "127.0.0.1", "path": "/"}]}'
    opened = await world.open("/form", storage_state_json=state, headers={"x-episode": "e7"})
    await world.value(opened.session, "void (document.querySelector('input').value = 'half typed')")
    probed = await probe(world, opened.session, f"{SHOP}/cart", "document.body.outerText")
    assert "Episode: e7" in probed.content
    assert "Login: ann" in probed.content
    after = await world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))
    assert (after.observation.num_tabs, after.observation.url) == (1, f"{SHOP}/form")
    assert "textbox 'Name': 'half typed'" in after.observation.text


async def test_prep_actions_run_first(world: World) -> None:
    opened = await world.open("/cart")
    opener = "document.querySelector('details').open = true"
    probed = await probe(world, opened.session, f"{SHOP}/", "document.querySelector('details').outerText", opener)
    assert "hidden until opened" in probed.content


@pytest.mark.parametrize(
    ("url", "locator", "told"),
    [
        (f"{SHOP}/", "document.querySelector('#nothing').outerText", "the locator failed: TypeError"),
        (f"{SHOP}/", "document.querySelector(", "the locator failed: SyntaxError"),
        ("http://evil.example/", "", "outside the sites"),
        (f"{SHOP}/hangs", "", "did not load within 2 s"),
    ],
)
async def test_why_there_is_no_content_is_told_and_not_raised(world: World, url: str, locator: str, told: str) -> None:
    opened = await world.open("/cart")
    probed = await probe(world, opened.session, url, locator)
    assert probed.content == ""
    assert told in probed.error
