"""What actions do to a page."""

from __future__ import annotations

import pytest

from tests.contract.browser.conftest import SHOP, World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_typing_replaces_what_was_there_and_enter_submits(world: World) -> None:
    opened = await world.open()
    field = find(opened.observation, "Search products")
    outcome = await world.act(opened.session, f"type [{field}] [blue kettle]")
    assert outcome.observation.text == "heading 'Results for blue kettle'"
    assert outcome.observation.url == f"{SHOP}/search?q=blue+kettle"


async def test_typing_without_enter_stays_and_the_button_submits(world: World) -> None:
    opened = await world.open("/form")
    session = opened.session
    for name, text in (("Name", "Ann [the first]"), ("Note", "line"), ("Day", "2024-03-02")):
        typed = await world.act(session, f"type [{find(opened.observation, name)}] [{text}] [0]")
        assert typed.error == ""
    assert "textbox 'Name': 'Ann [the first]'" in typed.observation.text
    sent = await world.click(opened, "Send", session)
    assert "text 'name: Ann [the first]'\ntext 'day: 2024-03-02'\ntext 'note: line'" in sent.observation.text


async def test_empty_text_clears_a_field_and_rich_text_can_be_typed(world: World) -> None:
    opened = await world.open("/form")
    await world.act(opened.session, f"type [{find(opened.observation, 'Name')}] [] [0]")
    rich = await world.act(opened.session, f"type [{find(opened.observation, 'Rich')}] [new words] [0]")
    assert "] textbox 'Name'\n" in rich.observation.text
    assert "] textbox 'Rich': 'new words'" in rich.observation.text


@pytest.mark.parametrize(("name", "told"), [("Fixed", "is read-only"), ("Send", "is not a text field")])
async def test_what_takes_no_text_is_told(world: World, name: str, told: str) -> None:
    opened = await world.open("/form")
    number = find(opened.observation, name)
    outcome = await world.act(opened.session, f"type [{number}] [x] [0]")
    assert outcome.error.startswith(f"[{number}] ")
    assert outcome.error.endswith(told)
    assert outcome.observation.url == opened.observation.url


async def test_keys_are_pressed_and_unknown_ones_are_told(world: World) -> None:
    opened = await world.open("/form")
    pressed = await world.act(opened.session, "press [ctrl+b]")
    assert pressed.observation.title == "key b ctrl"
    assert (await world.act(opened.session, "press [esc]")).observation.title == "key Escape"
    assert "'Hyper+Nonsense' is not a key" in (await world.act(opened.session, "press [Hyper+Nonsense]")).error


async def test_a_checkbox_changes_by_a_click(world: World) -> None:
    opened = await world.open()
    clicked = await world.click(opened, "Subscribe", opened.session)
    assert "[6] checkbox 'Subscribe'\n" in clicked.observation.text


async def test_an_option_is_chosen_by_clicking_it(world: World) -> None:
    opened = await world.open(observation_format="webarena-axtree")
    await world.click(opened, "Large", opened.session)
    assert await world.value(opened.session, "document.querySelector('select').value") == "Large"


async def test_an_element_out_of_sight_is_brought_into_view_and_clicked(world: World) -> None:
    opened = await world.open("/trouble")
    clicked = await world.click(opened, "Far below", opened.session)
    assert (clicked.error, clicked.observation.title) == ("", "reached")


async def test_covered_disabled_and_vanished_elements_are_told(world: World) -> None:
    trouble = await world.open("/trouble")
    under = await world.click(trouble, "Under", trouble.session)
    assert under.error.endswith("""button 'Under' is covered by "The cover\"""")
    await world.value(trouble.session, "document.querySelectorAll('button').forEach(b => b.remove())")
    gone = await world.click(trouble, "Storm", trouble.session)
    assert gone.error.endswith("button 'Storm' is not on the page any more")
    home = await world.open()
    assert (await world.click(home, "Sold out", home.session)).error.endswith("is disabled")


async def test_scrolling_moves_by_a_screenful(world: World) -> None:
    opened = await world.open("/trouble")
    await world.act(opened.session, "scroll [down]")
    assert await world.value(opened.session, "scrollY === innerHeight") == "True"
    await world.act(opened.session, "scroll [up]")
    assert await world.value(opened.session, "scrollY") == "0"


async def test_hovering_moves_the_mouse_there(world: World) -> None:
    opened = await world.open()
    await world.act(opened.session, f"hover [{find(opened.observation, 'Reorder')}]")
    assert await world.value(opened.session, "document.querySelector('td button').matches(':hover')") == "True"


async def test_history_goes_back_and_forward_and_ends(world: World) -> None:
    opened = await world.open()
    await world.click(opened, "Cart", opened.session)
    assert (await world.act(opened.session, "go_back")).observation.title == "Shop"
    assert (await world.act(opened.session, "go_forward")).observation.title == "Cart"
    assert (await world.act(opened.session, "go_forward")).error == "there is no next page in this tab"
    await world.act(opened.session, "go_back")
    assert (await world.act(opened.session, "go_back")).error == "there is no previous page in this tab"


async def test_tabs_open_take_turns_and_close(world: World) -> None:
    opened = await world.open()
    new = await world.act(opened.session, "new_tab")
    assert (new.observation.num_tabs, new.observation.active_tab, new.observation.text) == (2, 1, "")
    cart = await world.act(opened.session, f"goto [{SHOP}/cart]")
    assert cart.observation.title == "Cart"
    assert (await world.act(opened.session, "tab_focus [0]")).observation.title == "Shop"
    assert "the tabs are 0 to 1" in (await world.act(opened.session, "tab_focus [7]")).error
    await world.act(opened.session, "close_tab")
    last = await world.act(opened.session, "close_tab")
    assert (last.observation.num_tabs, last.observation.url) == (1, "about:blank")


async def test_what_the_action_set_going_has_happened_when_it_returns(world: World) -> None:
    opened = await world.open("/trouble")
    loaded = await world.click(opened, "Load", opened.session)
    assert "text 'came late'" in loaded.observation.text
    later = await world.click(loaded, "Later", opened.session)
    assert later.observation.title == "Cart"


async def test_a_picture_that_never_comes_costs_the_bound_once(world: World) -> None:
    opened = await world.open("/hanging-picture")
    assert "heading 'Here'" in opened.observation.text
    again = await world.act(opened.session, "scroll [down]")
    assert again.elapsed_s < 2.0


async def test_text_that_is_no_action_is_told_and_changes_nothing(world: World) -> None:
    opened = await world.open()
    outcome = await world.act(opened.session, "I think I should click the link")
    assert "is not an action; use one of: click [id]" in outcome.error
    assert outcome.observation.text == opened.observation.text


async def test_stop_leaves_the_page_alone(world: World) -> None:
    opened = await world.open()
    outcome = await world.act(opened.session, "stop [$12.99]")
    assert (outcome.error, outcome.observation.text) == ("", opened.observation.text)
