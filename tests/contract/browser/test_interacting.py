"""Steps on one stream: as Act and Observe, one after the other."""

from __future__ import annotations

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.errors import SessionGone
from services.common.errors import InvalidArgument
from services.common.rpc import Conversation
from tests.contract.browser.conftest import SHOP, World, find
from tests.contract.browser.test_sessions import keep_calling

pytestmark = pytest.mark.asyncio(loop_scope="module")


def act(session: str, action: str) -> pb.InteractRequest:
    return pb.InteractRequest(act=pb.ActRequest(session=session, action=action, observation_format="compact"))


def observe(session: str) -> pb.InteractRequest:
    return pb.InteractRequest(observe=pb.ObserveRequest(session=session, format="compact"))


async def test_steps_on_a_stream_are_those_of_single_calls(world: World) -> None:
    interaction = Conversation(world.stub.Interact)
    opened = await world.open("/form")
    typed = (await interaction.ask(act(opened.session, f"type [{find(opened.observation, 'Name')}] [Ann] [0]"))).act
    assert (typed.error, typed.action.split()[0]) == ("", "type")
    assert "textbox 'Name': 'Ann'" in typed.observation.text
    seen = (await interaction.ask(observe(opened.session))).observe.observation
    alone = (await world.stub.Observe(pb.ObserveRequest(session=opened.session, format="compact"))).observation
    alone.elapsed_s = seen.elapsed_s
    assert seen == alone
    refused = (await interaction.ask(act(opened.session, "click [900]"))).act
    assert refused.error.startswith("[900] is not on the page")
    assert refused.observation.text == seen.text
    await interaction.close()


async def test_one_stream_serves_several_sessions(world: World) -> None:
    interaction = Conversation(world.stub.Interact)
    one, two = await world.open("/cart"), await world.open("/form")
    titles = [(await interaction.ask(observe(each.session))).observe.observation.title for each in (one, two, one)]
    assert titles == ["Cart", "Form", "Cart"]
    await interaction.close()


async def test_a_session_that_ended_says_why_and_others_are_asked_on(world: World) -> None:
    interaction = Conversation(world.stub.Interact)
    opened, other = await world.open("/trouble", budget_s=1.0), await world.open()
    with pytest.raises(SessionGone, match="time budget"):
        await keep_calling(lambda: interaction.ask(act(opened.session, f"goto [{SHOP}/hangs]")))
    assert (await interaction.ask(observe(other.session))).observe.observation.title == "Shop"
    await interaction.close()


async def test_what_is_neither_is_refused(world: World) -> None:
    with pytest.raises(InvalidArgument, match="neither an act nor an observe"):
        await Conversation(world.stub.Interact).ask(pb.InteractRequest())
