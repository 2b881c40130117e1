"""The clipboard: one for each session, though Chromium has one for all sessions of a process."""

from __future__ import annotations

import asyncio

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from tests.contract.browser.conftest import SHOP, World, find

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCRIPT_COPIES = "document.querySelector('#from').select(), document.execCommand('copy')"


async def copied(world: World, words: str, keys: str = "Control+C") -> str:
    """A session of its own whose page has a field with these words, copied by keys."""
    opened = await world.open("/copying")
    field = find(opened.observation, "From")
    await world.act(opened.session, f"type [{field}] [{words}] [0]")
    await world.act(opened.session, "press [Control+A]")
    await world.act(opened.session, f"press [{keys}]")
    return opened.session


async def pasted(world: World, session: str, keys: str = "Control+V") -> str:
    """What the session's other field holds once the keys were pressed in it."""
    seen = await world.stub.Observe(pb.ObserveRequest(session=session, format="compact"))
    await world.act(session, f"type [{find(seen.observation, 'To')}] [] [0]")
    done = await world.act(session, f"press [{keys}]")
    assert not done.error
    return await world.value(session, "document.querySelector('#to').value")


def in_one_process(world: World, *sessions: str) -> bool:
    """Whether they share a Chromium."""
    return len({id(world.registry.get(session)._context.process) for session in sessions}) == 1  # type: ignore[attr-defined]


async def test_each_of_two_sessions_in_one_process_pastes_what_it_copied_itself(world: World) -> None:
    ann, bob, eve = await copied(world, "of ann"), await copied(world, "of bob"), await copied(world, "", "Control+A")
    assert in_one_process(world, ann, bob, eve)
    assert await pasted(world, ann) == "of ann"
    assert await pasted(world, bob, "Shift+Insert") == "of bob"
    assert await pasted(world, eve) == ""
    assert await pasted(world, ann, "Control+Shift+V") == "of ann"


async def test_sessions_that_paste_at_the_same_time_each_get_their_own(world: World) -> None:
    sessions = [await copied(world, f"of session {number}") for number in range(4)]
    assert in_one_process(world, *sessions)
    found = await asyncio.gather(*(pasted(world, session) for session in sessions))
    assert found == [f"of session {number}" for number in range(4)]


async def test_what_was_cut_can_be_pasted_in_another_document_and_tab(world: World) -> None:
    ann, bob = await copied(world, "of ann", "Control+X"), await copied(world, "of bob", "Shift+Delete")
    assert await world.value(ann, "document.querySelector('#from').value") == ""
    await world.act(ann, f"goto [{SHOP}/copying?again]")
    assert await pasted(world, ann) == "of ann"
    await world.act(bob, "new_tab")
    await world.act(bob, f"goto [{SHOP}/copying]")
    assert await pasted(world, bob) == "of bob"


async def test_what_a_script_copies_is_its_session_s_alone(world: World) -> None:
    ann, bob = await world.open("/copying"), await copied(world, "of bob")
    clicked = await world.click(ann, "Copy by script", ann.session)
    assert "heading 'copied true'" in clicked.observation.text
    assert in_one_process(world, ann.session, bob)
    assert await pasted(world, bob) == "of bob"
    assert await pasted(world, ann.session) == "of a script"
    # What the page puts there itself instead of what is selected.
    await world.click(clicked, "Copy another thing", ann.session)
    assert await pasted(world, bob) == "of bob"
    assert await pasted(world, ann.session) == "another thing"


async def test_a_copy_that_comes_between_is_kept_from_the_page_that_pastes(world: World) -> None:
    ann, bob = await copied(world, "of ann"), await copied(world, "of bob")
    shared = world.registry.get(bob)._context.process.clipboard  # type: ignore[attr-defined]
    put = shared.put

    async def overtaken(data: dict[str, str]) -> None:
        await put(data)
        await world.registry.get(ann)._context.front.evaluate(SCRIPT_COPIES)

    shared.put = overtaken
    try:
        seen = await world.stub.Observe(pb.ObserveRequest(session=bob, format="compact"))
        await world.act(bob, f"type [{find(seen.observation, 'To')}] [] [0]")
        assert (await world.act(bob, "press [Control+V]")).error == "found the clipboard in use; press the keys again"
        assert await world.value(bob, "document.querySelector('#to').value + window.heard") == "copy"
    finally:
        del shared.put
    assert await pasted(world, bob) == "of bob"


async def test_formatted_text_keeps_its_format(world: World) -> None:
    opened = await world.open("/copying")
    await world.value(opened.session, "getSelection().selectAllChildren(document.querySelector('p'))")
    loaded = world.asked.count("/copied.png")
    await world.act(opened.session, "press [Control+C]")
    assert world.asked.count("/copied.png") == loaded
    await world.value(opened.session, "document.querySelector('[contenteditable]').focus()")
    await world.act(opened.session, "press [Control+V]")
    assert "<b>bold</b>" in await world.value(opened.session, "document.querySelector('[contenteditable]').innerHTML")


async def test_without_permission_scripts_neither_read_nor_write_it(world: World) -> None:
    ann = await world.open("/copying")
    for name in ("Read", "Write"):
        clicked = await world.click(ann, f"{name} by API", ann.session)
        assert f"{name} permission denied" in clicked.observation.text
    assert await world.value(ann.session, "document.execCommand('paste')") == "False"


async def test_sessions_with_permission_share_it_with_nobody(world: World) -> None:
    permissions = ["clipboard-read", "clipboard-write"]
    ann, bob = [await world.open("/copying", permissions=permissions) for _ in range(2)]
    eve = await copied(world, "of eve")
    await world.click(ann, "Write by API", ann.session)
    read = await world.click(ann, "Read by API", ann.session)
    assert "heading 'read of the API'" in read.observation.text
    read = await world.click(bob, "Read by API", bob.session)
    assert "heading 'read '" in read.observation.text or "heading 'read'" in read.observation.text
    assert await pasted(world, ann.session) == "of the API"
    assert await pasted(world, eve) == "of eve"
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=ann.session))
    await world.stub.DeleteSession(pb.DeleteSessionRequest(session=bob.session))
