"""`select`: options of native and of scripted lists."""

from __future__ import annotations

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from tests.contract.browser.conftest import World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _log(world: World, session: str) -> list[str]:
    return (await world.value(session, "log.splice(0).join('\\n')")).split("\n")


async def test_an_option_of_a_menu_is_chosen_with_the_events_of_a_person(world: World) -> None:
    opened = await world.open("/choices")
    outcome = await world.act(opened.session, f"select [{find(opened.observation, 'Size')}] [Large]")
    assert (outcome.error, outcome.action) == ("", f"select [{find(opened.observation, 'Size')}] [Large]")
    assert "combobox 'Size': 'Large'" in outcome.observation.text
    said = ["mousedown size Small real", "focus size Small real", "input size Large real", "change size Large real"]
    assert await _log(world, opened.session) == said


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("Extra large", "xl"),
        ("  medium ", "Medium"),
        ("extra", "xl"),
        ("arge", None),
        ("Small", "Small"),
        ("Medium", "Medium"),
    ],
)
async def test_a_label_is_matched_exactly_then_by_what_is_of_no_other(
    world: World, name: str, chosen: str | None
) -> None:
    opened = await world.open("/choices")
    number = find(opened.observation, "Size")
    outcome = await world.act(opened.session, f"select [{number}] [{name}]")
    if chosen is None:
        told = "has several options like 'arge': 'Large', 'Extra large'"
        assert outcome.error == f"[{number}] combobox 'Size' {told}"
    else:
        assert outcome.error == ""
    assert await world.value(opened.session, "size.value") == (chosen or "Small")


@pytest.mark.parametrize("name", ["Oman", "Niger", "Norway", "North Macedonia", "Nigeria"])
async def test_every_place_of_a_menu_is_reached_from_the_one_before(world: World, name: str) -> None:
    opened = await world.open("/choices")
    number = find(opened.observation, "Country")
    for label in ("Norway", name):
        assert (await world.act(opened.session, f"select [{number}] [{label}]")).error == ""
    assert await world.value(opened.session, "country.value") == name


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("Country", "Peru", "has no option 'Peru'; its options are: 'Niger', 'Nigeria', 'Norway', "),
        ("Country", "Nig", "has several options like 'Nig': 'Niger', 'Nigeria'"),
        ("Country", "Oman] [Norway", "takes one option"),
        ("Size", "Huge", "does not take 'Huge': that option is disabled"),
        ("Off", "Two", "is disabled"),
        ("Shut", "Two", "does not open its list of options"),
        ("Plain", "Two", "has no options to select"),
    ],
)
async def test_what_cannot_be_selected_is_told(world: World, name: str, text: str, told: str) -> None:
    opened = await world.open("/choices")
    number = find(opened.observation, name)
    outcome = await world.act(opened.session, f"select [{number}] [{text}]")
    assert outcome.error.startswith(f"[{number}] ")
    assert f"'{name}' {told}" in outcome.error
    events = await _log(world, opened.session)
    assert not [event for event in events if event.startswith(("input", "change", "keydown"))]


async def test_a_list_of_several_takes_exactly_what_is_named(world: World) -> None:
    opened = await world.open("/choices")
    number, values = find(opened.observation, "Colours"), "Array.from(colours.selectedOptions, o => o.value).join()"
    for text, chosen in (
        ("Violet] [red", "Red,Violet"),
        ("Red", "Red"),
        ("a] [b", "a] [b"),
        ("", ""),
        ("Green", "Green"),
    ):
        outcome = await world.act(opened.session, f"select [{number}] [{text}]")
        assert (outcome.error, await world.value(opened.session, values)) == ("", chosen)
    assert not [event for event in await _log(world, opened.session) if event.endswith("made")]


async def test_a_list_that_shows_its_options_is_clicked(world: World) -> None:
    opened = await world.open("/choices")
    number = find(opened.observation, "City")
    for label in ("Oslo", "Rome"):
        assert (await world.act(opened.session, f"select [{number}] [{label}]")).error == ""
    assert await world.value(opened.session, "city.value") == "Rome"
    assert (await _log(world, opened.session))[-1] == "change city Rome real"


async def test_options_that_come_with_the_click_can_be_selected_then(world: World) -> None:
    opened = await world.open("/choices")
    number = find(opened.observation, "Late")
    first = await world.act(opened.session, f"select [{number}] [Fresh]")
    assert first.error.endswith("has no option 'Fresh'; its options are: 'Stale'")
    await world.act(opened.session, f"click [{number}]")
    assert (await world.act(opened.session, f"select [{number}] [Fresh]")).error == ""
    assert await world.value(opened.session, "late.value") == "Fresh"


async def test_a_menu_in_a_frame_is_used(world: World) -> None:
    opened = await world.open("/choices")
    outcome = await world.act(opened.session, f"select [{find(opened.observation, 'Inner')}] [Out]")
    assert (outcome.error, "combobox 'Inner': 'Out'" in outcome.observation.text) == ("", True)


async def test_an_option_line_is_clicked_in_menus_and_lists(world: World) -> None:
    opened = await world.open("/choices", observation_format="webarena-axtree")
    for name in ("Extra large", "Violet", "Oslo"):
        action = f"click [{find(opened.observation, name)}]"
        assert (await world.stub.Act(pb.ActRequest(session=opened.session, action=action))).error == ""
    assert await world.value(opened.session, "size.value + city.value") == "xlOslo"
    # In a list of several a click adds.
    assert await world.value(opened.session, "colours.selectedOptions.length") == "2"
    assert not [event for event in await _log(world, opened.session) if event.endswith("made")]


async def test_a_scripted_list_is_opened_and_its_option_clicked(world: World) -> None:
    opened = await world.open("/scripted")
    number = find(opened.observation, "Fruit")
    chosen = await world.act(opened.session, f"select [{number}] [pear]")
    assert (chosen.error, await world.value(opened.session, "fruit.textContent.trim()")) == ("", "Pear")
    assert await _log(world, opened.session) == ["click fruit real", "click pear 0 real"]
    wrong = await world.act(opened.session, f"select [{number}] [Fig]")
    assert wrong.error.endswith("has no option 'Fig'; its options are: 'Apple', 'Pear', 'Plum'")
    off = await world.act(opened.session, f"select [{number}] [Plum]")
    assert off.error.endswith("that option is disabled")


async def test_a_scripted_list_that_is_made_when_it_opens_is_found(world: World) -> None:
    opened = await world.open("/scripted")
    chosen = await world.act(opened.session, f"select [{find(opened.observation, 'Town')}] [Ulm]")
    assert (chosen.error, chosen.observation.title) == ("", "Town: Ulm")
    empty = await world.act(opened.session, f"select [{find(opened.observation, 'Empty')}] [Ulm]")
    assert empty.error.endswith("shows no options; they may come when something is typed into it")


async def test_a_scripted_list_of_several_takes_exactly_what_is_named(world: World) -> None:
    opened = await world.open("/scripted")
    chosen = await world.act(opened.session, f"select [{find(opened.observation, 'Toppings')}] [Corn] [olives]")
    assert chosen.error == ""
    assert await _log(world, opened.session) == ["click ham 0 real", "click olives 0 real", "click corn 0 real"]
    values = "[ham, olives, corn].map(o => o.ariaSelected).join()"
    assert await world.value(opened.session, values) == "false,true,true"
