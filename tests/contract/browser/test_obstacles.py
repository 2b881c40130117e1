"""What an action cannot do is told in the words and ids of the observation."""

from __future__ import annotations

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from tests.contract.browser.conftest import World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")


def _id(observation: pb.Observation, role: str, name: str) -> int:
    return next(e.id for e in observation.elements if (e.role, e.name) == (role, name))


async def test_a_covering_dialog_is_named_with_its_id_where_the_format_gives_it_one(world: World) -> None:
    opened = await world.open("/obstacles", observation_format="webarena-axtree")
    pay, cookies = find(opened.observation, "Pay"), _id(opened.observation, "dialog", "Cookies")
    outcome = await world.click(opened, "Pay", opened.session)
    assert outcome.error == f"[{pay}] button 'Pay' is covered by [{cookies}] dialog 'Cookies'"


async def test_a_covering_dialog_without_an_id_is_told_with_what_is_in_it(world: World) -> None:
    opened = await world.open("/obstacles")
    pay, accept = find(opened.observation, "Pay"), find(opened.observation, "Accept")
    covered = await world.click(opened, "Pay", opened.session)
    assert covered.error == f"[{pay}] button 'Pay' is covered by dialog 'Cookies' (in it: [{accept}] button 'Accept')"
    await world.act(opened.session, f"click [{accept}]")
    assert (await world.act(opened.session, f"click [{pay}]")).error == ""


async def test_a_covering_element_is_named_with_its_id(world: World) -> None:
    opened = await world.open("/obstacles")
    buy, ad = find(opened.observation, "Buy"), find(opened.observation, "Ad for a kettle")
    for action in (f"click [{buy}]", f"hover [{buy}]"):
        outcome = await world.act(opened.session, action)
        assert outcome.error == f"[{buy}] button 'Buy' is covered by [{ad}] link 'Ad for a kettle'"
    assert outcome.observation.title == "Obstacles"


async def test_a_cover_of_mere_text_is_named_where_text_has_an_id(world: World) -> None:
    opened = await world.open("/trouble", observation_format="webarena-axtree")
    outcome = await world.click(opened, "Under", opened.session)
    cover = _id(opened.observation, "StaticText", "The cover")
    assert outcome.error.endswith(f"button 'Under' is covered by [{cover}] StaticText 'The cover'")


async def test_what_lies_over_a_frame_covers_what_is_in_it(world: World) -> None:
    opened = await world.open("/obstacles")
    over = find(opened.observation, "Over the frame")
    outcome = await world.click(opened, "Inner", opened.session)
    assert outcome.error.endswith(f"button 'Inner' is covered by [{over}] link 'Over the frame'")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Ghost", "does not react to the mouse (pointer-events: none)"),
        ("Outside", "cannot be scrolled into view"),
        ("Cut", "cannot be scrolled into view"),
        ("Runs", "moves away from the mouse when it is clicked"),
        ("Off by its group", "is disabled"),
    ],
)
async def test_why_an_element_cannot_be_clicked_is_told(world: World, name: str, told: str) -> None:
    opened = await world.open("/obstacles")
    number = find(opened.observation, name)
    outcome = await world.act(opened.session, f"click [{number}]")
    assert outcome.error == f"[{number}] button '{name}' {told}"
    # Nothing else was clicked in its place.
    assert outcome.observation.title == "Obstacles"


@pytest.mark.parametrize(
    ("name", "style", "told"),
    [
        ("Fades", "visibility: hidden", "is hidden"),
        ("Fades", "display: none", "is hidden"),
        ("Shrinks", "all: unset; display: block; width: 0; height: 0; overflow: hidden", "has no size on the page"),
    ],
)
async def test_what_came_to_be_hidden_is_told(world: World, name: str, style: str, told: str) -> None:
    opened = await world.open("/obstacles")
    await world.value(opened.session, f"void ({name.lower()}.style.cssText = '{style}')")
    outcome = await world.click(opened, name, opened.session)
    assert outcome.error.endswith(f"button '{name}' {told}")


async def test_an_element_that_steps_aside_once_is_clicked_where_it_went(world: World) -> None:
    opened = await world.open("/obstacles")
    outcome = await world.click(opened, "Steps aside", opened.session)
    assert (outcome.error, outcome.observation.title) == ("", "caught")


async def test_a_transparent_menu_over_its_picture_is_used(world: World) -> None:
    opened = await world.open("/obstacles")
    outcome = await world.act(opened.session, f"select [{find(opened.observation, 'Kind')}] [B]")
    assert (outcome.error, "combobox 'Kind': 'B'" in outcome.observation.text) == ("", True)


async def test_a_read_only_field_is_told(world: World) -> None:
    opened = await world.open("/obstacles")
    outcome = await world.act(opened.session, f"type [{find(opened.observation, 'Fixed')}] [new]")
    assert outcome.error.endswith("textbox 'Fixed' is read-only")
