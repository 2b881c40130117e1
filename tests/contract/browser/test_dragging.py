"""`drag`: with HTML's own drag and drop, and with scripts that follow the mouse."""

from __future__ import annotations

import pytest

from tests.contract.browser.conftest import World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _drag(world: World, name: str, onto: str) -> tuple[str, str, list[str]]:
    """Error, title and log after dragging one onto the other."""
    opened = await world.open("/drags")
    action = f"drag [{find(opened.observation, name)}] [{find(opened.observation, onto)}]"
    outcome = await world.act(opened.session, action)
    return outcome.error, outcome.observation.title, (await world.value(opened.session, "log.join('\\n')")).split("\n")


@pytest.mark.parametrize(("onto", "place"), [("Bin", "bin"), ("Far", "far")])
async def test_what_html_drags_is_dropped_with_its_data(world: World, onto: str, place: str) -> None:
    error, title, log = await _drag(world, "Card", onto)
    assert (error, title) == ("", f"{place} got the card")
    kinds = [line for line in log if not line.startswith("dragenter")]
    assert [line.split()[0] for line in kinds] == ["mousedown", "dragstart", "drop", "dragend", "mouseup"]
    assert all(line.endswith("real") for line in log)
    assert [line for line in log if line.startswith("drop")] == [f"drop {place} real"]


async def test_a_place_that_takes_nothing_gets_nothing(world: World) -> None:
    error, title, log = await _drag(world, "Card", "Wall")
    assert (error, title) == ("", "Drags")
    assert [line.split()[0] for line in log if not line.startswith("dragenter")][-2:] == ["dragend", "mouseup"]


@pytest.mark.parametrize(("onto", "place"), [("Bin", "bin"), ("Far", "far")])
async def test_what_a_script_drags_follows_the_mouse(world: World, onto: str, place: str) -> None:
    error, title, log = await _drag(world, "Piece", onto)
    assert (error, title) == ("", f"piece over {place}")
    assert log.count("moves") >= 5


async def test_the_end_that_does_not_allow_it_is_named(world: World) -> None:
    error, _, log = await _drag(world, "Stuck", "Bin")
    assert error.endswith("button 'Stuck' is disabled")
    assert log == [""]
    opened = await world.open("/drags")
    card, far = find(opened.observation, "Card"), find(opened.observation, "Far")
    await world.value(opened.session, "far.remove()")
    gone = await world.act(opened.session, f"drag [{card}] [{far}]")
    assert gone.error == f"[{far}] button 'Far' is not on the page any more"
    unknown = await world.act(opened.session, f"drag [{card}] [999]")
    assert unknown.error == "[999] is not on the page"
    assert await world.value(opened.session, "log.length") == "0"


async def test_the_mouse_is_free_after_a_drag(world: World) -> None:
    opened = await world.open("/drags")
    ids = {name: find(opened.observation, name) for name in ("Card", "Bin", "Piece")}
    for name in ("Card", "Piece"):
        assert (await world.act(opened.session, f"drag [{ids[name]}] [{ids['Bin']}]")).error == ""
    moved = await world.value(opened.session, "piece.style.top")
    await world.act(opened.session, f"hover [{ids['Card']}]")
    assert await world.value(opened.session, "piece.style.top") == moved
