"""`dialog`: a page's question stays open until it is answered, and holds up nobody."""

from __future__ import annotations

import asyncio

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.common.errors import NotFound
from tests.contract.browser.conftest import SHOP, Opener, World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")
_ANSWERS = "answer with dialog [accept] or dialog [dismiss]"


@pytest.mark.parametrize(("answer", "title"), [("accept", "sure: true"), ("dismiss", "sure: false")])
async def test_a_confirm_stays_open_and_is_answered(world: World, answer: str, title: str) -> None:
    opened = await world.open("/dialogs")
    asked = await world.click(opened, "Delete", opened.session)
    shown = "dialog confirm 'Delete the (7) button 'Buy'? Really?'"
    assert (asked.error, asked.observation.text) == ("", f"{shown}\n{_ANSWERS}")
    assert asked.events == ["opened confirm: Delete the [7] button 'Buy'?\n Really?"]
    assert (asked.observation.url, asked.observation.title) == (f"{SHOP}/dialogs", "Dialogs")
    assert len(asked.observation.elements) == 0
    answered = await world.act(opened.session, f"dialog [{answer}]")
    assert (answered.error, answered.events, answered.observation.title) == ("", [], title)
    assert "button 'Delete'" in answered.observation.text


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("dialog [accept] [Eve [2]]", "name: Eve [2]"),
        ("dialog [accept]", "name: Ann"),
        ("dialog [accept] []", "name: "),
        ("dialog [dismiss]", "name: null"),
    ],
)
async def test_a_prompt_is_answered_with_a_text_or_with_what_it_holds(world: World, answer: str, title: str) -> None:
    opened = await world.open("/dialogs")
    asked = await world.click(opened, "Name", opened.session)
    told = "answer with dialog [accept] [text] or dialog [dismiss]"
    assert asked.observation.text == f"dialog prompt 'Your name?': 'Ann'\n{told}"
    answered = await world.act(opened.session, answer)
    assert (answered.action, answered.error, answered.observation.title) == (answer, "", title.strip())


async def test_one_question_after_the_other_is_shown_and_answered(world: World) -> None:
    opened = await world.open("/dialogs")
    assert (await world.click(opened, "Two", opened.session)).observation.text.startswith("dialog confirm 'one?'")
    second = await world.act(opened.session, "dialog [accept]")
    assert second.observation.text.startswith("dialog confirm 'two?'")
    assert second.events == ["opened confirm: two?"]
    assert (await world.act(opened.session, "dialog [dismiss]")).observation.title == "true,false"


async def test_a_question_that_comes_later_is_shown_too(world: World) -> None:
    opened = await world.open("/dialogs")
    later = await world.click(opened, "Later", opened.session)
    assert later.observation.text.startswith("dialog confirm 'later?'")
    assert (await world.act(opened.session, "dialog [accept]")).observation.title == "later: true"


async def test_what_the_answer_sets_going_has_happened_when_it_returns(world: World) -> None:
    opened = await world.open("/dialogs")
    await world.click(opened, "Load", opened.session)
    loaded = await world.act(opened.session, "dialog [accept]")
    assert "text 'came late'" in loaded.observation.text
    await world.click(loaded, "Leave", opened.session)
    left = await world.act(opened.session, "dialog [accept]")
    assert (left.observation.url, left.observation.title) == (f"{SHOP}/cart", "Cart")


async def test_an_action_that_a_question_held_up_goes_on(world: World) -> None:
    opened = await world.open("/dialogs")
    action = f"type [{find(opened.observation, 'Field')}] [some words] [0]"
    asked = await world.act(opened.session, action)
    assert asked.observation.text.startswith("dialog confirm 'May I?'")
    answered = await world.act(opened.session, "dialog [accept]")
    assert "textbox 'Field': 'some words'" in answered.observation.text


async def test_what_was_held_up_longer_than_any_bound_goes_on(opened: Opener) -> None:
    world = await opened(call_timeout_s=0.5, settle_s=1.0, load_timeout_s=2.0)
    typing, opening, loading = [await world.open("/dialogs") for _ in range(3)]
    await world.act(typing.session, f"type [{find(typing.observation, 'Field')}] [some words] [0]")
    await world.click(opening, "Open", opening.session)
    await world.click(loading, "Load", loading.session)
    # Every bound of the room, and the two seconds that a page is given after it, are over.
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.call_later(3.0, over.set)
    await over.wait()
    typed, popped, loaded = [await world.act(page.session, "dialog [accept]") for page in (typing, opening, loading)]
    assert (typed.error, "textbox 'Field': 'some words'" in typed.observation.text) == ("", True)
    assert (popped.error, popped.observation.num_tabs, popped.observation.title) == ("", 2, "Cart")
    assert (loaded.error, "text 'came late'" in loaded.observation.text) == ("", True)


async def test_another_action_dismisses_the_question_first_and_says_so(world: World) -> None:
    opened = await world.open("/dialogs")
    other = find(opened.observation, "Other")
    await world.click(opened, "Delete", opened.session)
    acted = await world.act(opened.session, f"click [{other}]")
    assert (acted.error, acted.observation.title) == ("", "other")
    assert acted.events == ["dismissed confirm: Delete the [7] button 'Buy'?\n Really?"]


async def test_text_that_is_no_action_leaves_the_question_open(world: World) -> None:
    opened = await world.open("/dialogs")
    await world.click(opened, "Delete", opened.session)
    confused = await world.act(opened.session, "yes, delete it")
    assert "is not an action" in confused.error
    assert confused.observation.text.startswith("dialog confirm")
    texted = await world.act(opened.session, "dialog [accept] [yes]")
    assert texted.error == f"a confirm takes no text; {_ANSWERS}"
    assert texted.observation.text.startswith("dialog confirm")
    assert (await world.act(opened.session, "dialog [accept]")).observation.title == "sure: true"


async def test_without_a_question_there_is_nothing_to_answer(world: World) -> None:
    opened = await world.open("/dialogs")
    assert (await world.act(opened.session, "dialog [accept]")).error == "no dialog is open"
    noted = await world.click(opened, "Alert", opened.session)
    assert (noted.events, noted.observation.title) == (["dismissed alert: note this"], "noted")
    assert (await world.act(opened.session, "dialog [dismiss]")).error == "no dialog is open"


async def test_a_page_that_asks_before_it_is_there_is_shown_asking(world: World) -> None:
    opened = await world.open("/asks")
    assert opened.observation.text == f"dialog confirm 'Are you 18?'\n{_ANSWERS}"
    welcomed = await world.act(opened.session, "dialog [accept]")
    assert (welcomed.error, welcomed.observation.text) == ("", "heading 'Welcometrue'")
    went = await world.act(opened.session, f"goto [{SHOP}/asks]")
    assert went.observation.text.startswith("dialog confirm")
    assert (await world.act(opened.session, "dialog [dismiss]")).observation.text == "heading 'Welcomefalse'"


async def test_a_popup_beside_a_question_becomes_a_tab_after_the_answer(world: World) -> None:
    opened = await world.open("/dialogs")
    asked = await world.click(opened, "Open", opened.session)
    assert (asked.observation.num_tabs, asked.observation.text.startswith("dialog confirm")) == (1, True)
    answered = await world.act(opened.session, "dialog [accept]")
    assert (answered.observation.num_tabs, answered.observation.title) == (2, "Cart")
    assert (await world.act(opened.session, "tab_focus [0]")).observation.title == "sure: true"


async def test_probes_dismiss_the_question_and_what_they_ask_themselves(world: World) -> None:
    opened = await world.open("/dialogs")
    await world.click(opened, "Delete", opened.session)
    assert await world.value(opened.session, "document.title") == "sure: false"
    assert await world.value(opened.session, "confirm('by the probe')") == "False"
    probed = await world.stub.Probe(pb.ProbeRequest(session=opened.session, url=f"{SHOP}/asks", locator="answer"))
    assert (probed.content, probed.error) == ("False", "")
    assert "button 'Delete'" in (await _observe(world, opened.session)).text


async def test_a_screenshot_shows_the_page_behind_the_question_and_leaves_it_open(world: World) -> None:
    opened = await world.open("/dialogs")
    await world.click(opened, "Delete", opened.session)
    for full_page in (False, True):
        request = pb.TakeScreenshotRequest(session=opened.session, full_page=full_page)
        image = (await world.stub.TakeScreenshot(request)).image
        assert image.startswith(b"\xff\xd8")
        assert len(image) > 3_000
    assert (await _observe(world, opened.session)).text.startswith("dialog confirm")
    assert (await world.act(opened.session, "dialog [accept]")).observation.title == "sure: true"


async def test_a_session_is_deleted_while_its_page_asks(world: World) -> None:
    opened = await world.open("/dialogs")
    await world.click(opened, "Delete", opened.session)
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=opened.session))
    with pytest.raises(NotFound):
        await world.act(opened.session, "dialog [accept]")


async def test_a_page_that_never_takes_no_is_stopped_by_another_action(world: World) -> None:
    opened = await world.open("/dialogs")
    other = find(opened.observation, "Other")
    asked = await world.click(opened, "Again and again", opened.session)
    for _ in range(3):
        assert asked.observation.text.startswith("dialog confirm 'again?'")
        asked = await world.act(opened.session, "dialog [dismiss]")
    acted = await world.act(opened.session, f"click [{other}]")
    dismissed = [event for event in acted.events if event == "dismissed confirm: again?"]
    assert 20 <= len(dismissed) <= 30
    assert any(event.endswith("its script was stopped") for event in acted.events) or "was stopped" in acted.error
    assert (await world.act(opened.session, f"click [{other}]")).observation.title == "other"


async def test_a_page_that_asks_all_the_time_holds_up_nobody(world: World) -> None:
    opened = await world.open("/dialogs")
    other = find(opened.observation, "Other")
    shown = await world.click(opened, "Tick", opened.session)
    for _ in range(3):
        assert shown.observation.text.startswith("dialog confirm 'tick?'")
        shown = await world.act(opened.session, "dialog [dismiss]")
    acted = await world.act(opened.session, f"click [{other}]")
    assert acted.events[0] == "dismissed confirm: tick?"
    assert await world.value(opened.session, "1 + 1") == "2"


async def test_leaving_a_guarded_page_is_accepted_and_told(world: World) -> None:
    opened = await world.open("/dialogs")
    await world.click(opened, "Guard", opened.session)
    left = await world.act(opened.session, f"goto [{SHOP}/cart]")
    assert left.observation.title == "Cart"
    assert [event.split(":")[0] for event in left.events] == ["left in spite of beforeunload"]


async def test_a_question_of_a_tab_behind_is_dismissed_at_once(world: World) -> None:
    opened = await world.open("/dialogs")
    await world.act(opened.session, "new_tab")
    behind = world.registry.get(opened.session)._context.tabs[0]
    assert await behind.evaluate("confirm('behind?')") is False
    assert (await world.act(opened.session, "scroll [up]")).events == ["dismissed confirm: behind?"]


async def _observe(world: World, session: str) -> pb.Observation:
    return (await world.stub.Observe(pb.ObserveRequest(session=session, format="compact"))).observation
