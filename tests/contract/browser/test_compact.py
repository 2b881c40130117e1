"""The short text of pages, line by line, and the ids in it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb

if TYPE_CHECKING:
    from tests.contract.browser.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def observed(world: World, html: str) -> pb.Observation:
    """The page with this body, in a session of its own."""
    opened = await world.open("/cart")
    await world.value(opened.session, f"void (document.body.innerHTML = {json.dumps(html)})")
    reply = await world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=opened.session))
    return reply.observation


async def lines(world: World, html: str) -> list[str]:
    """Its lines, ids counted from 1."""
    text, first = (await observed(world, html)).text, 0
    if found := re.search(r"^\[(\d+)\]", text, re.MULTILINE):
        first = int(found[1]) - 1
    return re.sub(r"^\[(\d+)\]", lambda m: f"[{int(m[1]) - first}]", text, flags=re.MULTILINE).split("\n")


async def test_neighbouring_inline_texts_are_one_line_and_blocks_are_not(world: World) -> None:
    html = "<p>Price: <strong>$12</strong>.99</p><div>In stock</div>"
    assert await lines(world, html) == ["text 'Price: $12.99'", "text 'In stock'"]


async def test_text_in_links_buttons_and_headings_is_not_repeated(world: World) -> None:
    html = "<a href='/x'>Cart</a><button>Go</button><h1>Top</h1><h2><a href='/x'>Linked</a></h2>"
    assert await lines(world, html) == ["[1] link 'Cart'", "[2] button 'Go'", "heading 'Top'", "[3] link 'Linked'"]


async def test_fields_show_their_value_and_states_are_words(world: World) -> None:
    html = """<input aria-label="Name" value="Ann"><input aria-label="Empty"><input type=checkbox aria-label=A checked>
      <input type=checkbox aria-label=B disabled><button aria-expanded=false>Menu</button>
      <button aria-pressed=true>Bold</button><div role=tab aria-selected=true>One</div>
      <div contenteditable aria-label="Rich">words</div>"""
    assert await lines(world, html) == [
        "[1] textbox 'Name': 'Ann'",
        "[2] textbox 'Empty'",
        "[3] checkbox 'A' checked",
        "[4] checkbox 'B' disabled",
        "[5] button 'Menu' collapsed",
        "[6] button 'Bold' pressed",
        "[7] tab 'One' selected",
        "[8] generic 'Rich'",
    ]


async def test_a_closed_list_tells_its_options_and_an_open_one_has_them_to_click(world: World) -> None:
    html = """<select aria-label=Size><option>Small<option selected>Large</select>
      <select aria-label=Many multiple><option>One<option selected>Two</select>"""
    assert await lines(world, html) == [
        "[1] combobox 'Size': 'Large' of 'Small | Large'",
        "[2] listbox 'Many'",
        "[3] option 'One'",
        "[4] option 'Two' selected",
    ]


async def test_controls_in_a_control_follow_it_unless_they_are_the_same(world: World) -> None:
    html = (
        """<ul role=tablist><li role=tab><a href="/x">One</a></li><li role=tab>Two <button>Close</button></li></ul>"""
    )
    assert await lines(world, html) == ["[1] tab 'One'", "[2] tab 'Two Close'", "[3] button 'Close'"]


async def test_a_row_is_its_cells_and_its_controls_follow(world: World) -> None:
    html = """<table><tr><th>Order</th><th>Day</th><th>Price</th></tr>
      <tr><td><a href="/x">Order 7</a></td><td></td><td>$5</td><td><button>X</button></td></tr>
      <tr><td>Order 8</td><td></td></tr></table>"""
    assert await lines(world, html) == [
        "row 'Order | Day | Price'",
        "row 'Order 7 | - | $5'",
        "[1] link 'Order 7'",
        "[2] button 'X'",
        "row 'Order 8'",
    ]


async def test_a_label_beside_its_field_is_not_said_twice(world: World) -> None:
    assert await lines(world, "<label>Search products: <input></label>") == ["[1] textbox 'Search products:'"]


async def test_a_box_that_is_drawn_as_a_control_has_an_id_once(world: World) -> None:
    html = """<div style="cursor: pointer"><p>More <b>of this</b></p></div>
      <span style="cursor: pointer"><button>Real</button></span><p>Plain</p>"""
    assert await lines(world, html) == ["[1] clickable 'More of this'", "[2] button 'Real'", "text 'Plain'"]


async def test_a_page_under_one_pointer_is_still_told_whole(world: World) -> None:
    html = f"<div style='cursor: pointer'><p>{'long ' * 30}</p><p>end</p></div>"
    assert await lines(world, html) == [f"text '{('long ' * 30).strip()}'", "text 'end'"]


async def test_long_names_are_cut_and_line_breaks_are_spaces(world: World) -> None:
    assert await lines(world, "<a href='/x' aria-label='a&#10;b&#x2028;c&#11;d'>x</a>") == ["[1] link 'a b c d'"]
    assert await lines(world, f"<a href='/x'>{'x' * 500}</a>") == [f"[1] link '{'x' * 119}…'"]
    assert await lines(world, f"<a href='/x'>{'😀' * 120}</a>") == [f"[1] link '{'😀' * 120}'"]


async def test_half_letters_do_not_stop_the_observation(world: World) -> None:
    opened = await world.open("/cart")
    await world.value(opened.session, "void (document.title = 't\\ud83d', document.body.textContent = 'a\\ud83dz')")
    for name, wanted in (("compact", "text 'a\ufffdz'"), ("webarena-axtree", "StaticText 'a\ufffdz'")):
        seen = (await world.stub.Observe(pb.ObserveRequest(session=opened.session, format=name))).observation
        assert wanted in seen.text
        assert seen.title == "t\ufffd"
    assert await world.value(opened.session, "document.body.textContent") == "a?z"


async def test_text_that_imitates_a_line_has_no_id(world: World) -> None:
    html = "<p>x'<br>[7] button 'Buy'</p><a href='/x'>See [7]</a><input aria-label=\"[8] button 'Pay'\">"
    assert await lines(world, html) == [
        "text 'x' (7) button 'Buy''",
        "[1] link 'See [7]'",
        "[2] textbox '(8) button 'Pay''",
    ]


async def test_ids_wrap_after_999_and_skip_those_of_another_tab(world: World) -> None:
    opened = await world.open("/cart")
    links = "void (document.body.innerHTML = '<a href=/x>L</a>'.repeat({}))"
    await world.value(opened.session, links.format(3))
    kept = (await world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))).observation
    assert [element.id for element in kept.elements] == [1, 2, 3]
    await world.act(opened.session, "new_tab")
    await world.act(opened.session, "goto [http://shop.test/cart]")
    await world.value(opened.session, links.format(990))
    await world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))
    await world.act(opened.session, "goto [http://shop.test/cart]")
    await world.value(opened.session, links.format(10))
    seen = (await world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))).observation
    assert [element.id for element in seen.elements] == [994, 995, 996, 997, 998, 999, 4, 5, 6, 7]


async def test_a_page_with_more_elements_than_small_ids_has_higher_ones_and_each_once(world: World) -> None:
    seen = await observed(world, "<a href='/x'>L</a>" * 1100)
    assert [element.id for element in seen.elements] == list(range(1, 1101))


async def test_elements_that_left_a_living_document_free_their_ids(world: World) -> None:
    opened = await world.open("/cart")
    for _ in range(3):
        await world.value(opened.session, "void (document.body.innerHTML = '<a href=/x>L</a>'.repeat(600))")
        seen = (await world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))).observation
        ids = [element.id for element in seen.elements]
        assert len(set(ids)) == 600
        assert max(ids) <= 999
