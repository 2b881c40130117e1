"""The page script: what it reads, what it leaves, and that no page can bend it."""

from __future__ import annotations

import pytest

from tests.contract.browser.conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

_WATCH = """(() => {
  window.seen = window.names = [];
  new MutationObserver(list => seen.push(...list)).observe(document,
    {subtree: true, childList: true, attributes: true, characterData: true});
  for (const name of ['focus', 'blur', 'scroll', 'selectionchange']) {
    addEventListener(name, () => seen.push(name), true);
  }
  window.names = Object.getOwnPropertyNames(window).length;
})()"""


async def observed(world: World, session: str) -> str:
    return (await world.act(session, "stop []")).observation.text


async def test_reading_leaves_no_trace_that_the_page_can_see(world: World) -> None:
    opened = await world.open()
    await world.value(opened.session, _WATCH)
    before = await observed(world, opened.session)
    assert await observed(world, opened.session) == before
    count = "seen.length + ' ' + (Object.getOwnPropertyNames(window).length - names)"
    assert await world.value(opened.session, count) == "0 0"


async def test_a_page_that_overrides_the_language_is_read_as_it_is(world: World) -> None:
    opened = await world.open("/hostile")
    assert opened.observation.text == (
        "heading 'True'\n[1] button 'Own'\ntext 'end' (7) button 'Buy''\n[2] link 'Cart (8) button 'Pay''"
    )
    webarena = await world.open("/hostile", observation_format="webarena-axtree")
    lines = webarena.observation.text.split("\n")
    assert [line.strip().partition("] ")[2].partition(" ")[0] for line in lines[2:]] == [
        "RootWebArea", "heading", "button", "StaticText", "StaticText", "LineBreak", "StaticText", "link",
    ]  # fmt: skip


async def test_ids_stay_with_their_elements_when_the_page_changes(world: World) -> None:
    opened = await world.open()
    ids = {element.name: element.id for element in opened.observation.elements}
    await world.value(
        opened.session,
        "document.body.prepend(...['First', 'Second'].map(t => Object.assign(document.createElement('button'),"
        " {textContent: t}))), document.querySelector('form').append(document.querySelector('header'))",
    )
    after = (await world.act(opened.session, "scroll [down]")).observation
    assert {name: number for name, number in ids.items() if name} == {
        element.name: element.id for element in after.elements if element.name not in ("First", "Second", "")
    }
    clicked = await world.act(opened.session, f"click [{ids['Cart']}]")
    assert clicked.observation.title == "Cart"


async def test_a_frame_of_the_site_is_read_and_its_button_clicked(world: World) -> None:
    opened = await world.open("/frames")
    clicked = await world.click(opened, "In frame", opened.session)
    assert (clicked.error, clicked.observation.title) == ("", "framed")
    await world.value(opened.session, "void (document.querySelector('iframe').src = 'about:blank')")
    gone = await world.click(opened, "In frame", opened.session)
    assert "is not on the page" in gone.error


async def test_a_link_without_an_address_is_one_when_a_script_listens(world: World) -> None:
    opened = await world.open("/cart")
    await world.value(
        opened.session,
        "void (document.body.innerHTML = '<a>Silent</a> <a id=a>Phone</a>',"
        " document.querySelector('#a').addEventListener('click', () => { document.title = 'rang' }))",
    )
    seen = (await world.act(opened.session, "stop []")).observation
    assert seen.text == "text 'Silent'\n[1] link 'Phone'"
    assert (await world.act(opened.session, "click [1]")).observation.title == "rang"


async def test_an_open_shadow_root_is_read_with_what_is_slotted_and_clicked(world: World) -> None:
    opened = await world.open("/frames")
    assert opened.observation.text.endswith("button 'In shadow'\ntext 'Slotted'")
    clicked = await world.click(opened, "In shadow", opened.session)
    assert (clicked.error, clicked.observation.title) == ("", "shadow")


@pytest.mark.parametrize("observation_format", ["compact", "webarena-axtree"])
async def test_a_page_that_nests_deeper_than_a_stack_is_read(world: World, observation_format: str) -> None:
    opened = await world.open("/cart", observation_format=observation_format)
    await world.value(
        opened.session,
        "void (() => { let e = document.body; for (let i = 0; i < 1500; i++) {"
        " const d = document.createElement('div'); d.setAttribute('role', 'group'); e.append(d); e = d; }"
        " e.innerHTML = '<button>Deep</button>'; })()",
    )
    assert "button 'Deep'" in await observed(world, opened.session)


async def test_a_huge_page_is_read_to_the_bound_and_the_cut_is_told(world: World) -> None:
    opened = await world.open("/cart")
    await world.value(
        opened.session,
        "void (document.body.innerHTML = '<a href=/cart>x</a> '.repeat(30000) + '<button>Last</button>')",
    )
    text = await observed(world, opened.session)
    assert text.startswith("[1] link 'x'")
    assert text.endswith("(the page has more than is shown here)")
    assert "Last" not in text
