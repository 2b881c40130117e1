"""Many questions on one stream: whose answer is whose, whatever went wrong before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import structlog

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1 import browser_service_pb2_grpc as pb_grpc
from services.common import rpc
from services.common.errors import DeadlineExceeded, InvalidArgument, NotFound, Unavailable

SERVICE = "ratchet.browser.v1.BrowserService"
Interaction = rpc.Conversation[pb.InteractRequest, pb.InteractResponse]


class Room(pb_grpc.BrowserServiceServicer):
    """Answers an action with its text, and does what some of them say."""

    def __init__(self) -> None:
        # Of each stream: what it came with, and how it ended.
        self.begun: list[dict[str, str]] = []
        self.ended: list[str] = []
        self.over = asyncio.Event()
        self.asked: asyncio.Queue[str] = asyncio.Queue()

    async def Interact(self, requests, context) -> AsyncIterator[pb.InteractResponse]:
        self.begun.append(dict(context.invocation_metadata()))
        try:
            async for request in requests:
                self.asked.put_nowait(request.act.action)
                if request.act.action == "fail":
                    raise NotFound("there is no such thing", thing="x")
                if request.act.action == "hang":
                    await asyncio.Event().wait()
                if request.act.action == "leave":
                    return
                yield pb.InteractResponse(act=pb.ActResponse(action=request.act.action))
        except BaseException as error:
            self.ended.append(type(error).__name__)
            self.over.set()
            raise
        self.ended.append("")

    async def asked_for(self, action: str) -> None:
        while await self.asked.get() != action:
            pass


async def say(interaction: Interaction, action: str, timeout_s: float | None = None) -> str:
    """The answer to an action."""
    asked = pb.InteractRequest(act=pb.ActRequest(action=action))
    return (await interaction.ask(asked, timeout_s)).act.action


class Rooms:
    """A room that can stop and come back."""

    def __init__(self, address: str) -> None:
        self.room, self._address, self._stack = Room(), address, AsyncExitStack()

    async def start(self) -> None:
        mount = rpc.Mount(pb_grpc.add_BrowserServiceServicer_to_server, self.room, SERVICE)
        await self._stack.enter_async_context(rpc.serve([mount], self._address, drain_s=0.0))

    async def stop(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    made = Rooms(f"unix:{tmp_path}/room.sock")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def interaction(rooms: Rooms, tmp_path: Path) -> AsyncIterator[Interaction]:
    channel = rpc.dial(f"unix:{tmp_path}/room.sock")
    interaction: Interaction = rpc.Conversation(pb_grpc.BrowserServiceStub(channel).Interact)
    yield interaction
    await interaction.close()
    await channel.close()


async def test_many_questions_share_a_stream_and_each_has_its_answer(rooms: Rooms, interaction: Interaction) -> None:
    words = [f"word {number}" for number in range(50)]
    assert await asyncio.gather(*(say(interaction, word) for word in words)) == words
    assert len(rooms.room.begun) == 1


async def test_an_error_keeps_its_class_and_the_next_question_is_asked_anew(
    rooms: Rooms, interaction: Interaction
) -> None:
    assert await say(interaction, "one") == "one"
    with pytest.raises(NotFound, match="there is no such thing") as refused:
        await say(interaction, "fail")
    assert refused.value.metadata == {"thing": "x"}
    assert await say(interaction, "two") == "two"
    assert len(rooms.room.begun) == 2


async def test_an_answer_that_was_not_waited_for_is_nobodys(rooms: Rooms, interaction: Interaction) -> None:
    with pytest.raises(DeadlineExceeded, match=r"no answer within 0\.2 s"):
        await say(interaction, "hang", timeout_s=0.2)
    given_up = asyncio.create_task(say(interaction, "hang"))
    await rooms.room.asked_for("hang")
    await rooms.room.asked_for("hang")
    given_up.cancel()
    assert await say(interaction, "two") == "two"
    await asyncio.wait([given_up])
    assert given_up.cancelled()
    assert rooms.room.ended == ["CancelledError", "CancelledError"]


async def test_a_room_that_ends_the_stream_is_unavailable(interaction: Interaction) -> None:
    with pytest.raises(Unavailable, match="ended without an answer"):
        await say(interaction, "leave")
    assert await say(interaction, "two") == "two"


async def test_a_room_that_came_back_is_asked_on_a_new_stream(rooms: Rooms, interaction: Interaction) -> None:
    assert await say(interaction, "one") == "one"
    await rooms.stop()
    with pytest.raises(Unavailable):
        await say(interaction, "two")
    await rooms.start()
    assert await say(interaction, "three") == "three"


async def test_closing_lets_the_room_end_the_stream(rooms: Rooms, interaction: Interaction) -> None:
    await interaction.close()
    assert await say(interaction, "one") == "one"
    await interaction.close()
    await interaction.close()
    assert rooms.room.ended == [""]
    assert await say(interaction, "two") == "two"


async def test_the_stream_says_which_episode_it_is_of(rooms: Rooms, interaction: Interaction) -> None:
    with structlog.contextvars.bound_contextvars(episode="e7"):
        await say(interaction, "one")
    assert rooms.room.begun[0]["x-ratchet-episode"] == "e7"


async def test_what_is_asked_for_a_request_has_no_more_time_than_it(rooms: Rooms, tmp_path: Path) -> None:
    """A call with a deadline that asks a room which hangs fails by that deadline, not by the default."""

    class Middle(pb_grpc.BrowserServiceServicer):
        async def Act(self, request, context) -> pb.ActResponse:
            await say(rpc.Conversation(behind.Interact), "hang")
            raise InvalidArgument("it answered")

    channel = rpc.dial(f"unix:{tmp_path}/room.sock")
    behind = pb_grpc.BrowserServiceStub(channel)
    mount = rpc.Mount(pb_grpc.add_BrowserServiceServicer_to_server, Middle(), SERVICE)
    async with rpc.serve([mount], f"unix:{tmp_path}/middle.sock") as address:
        front = rpc.dial(address)
        with pytest.raises(DeadlineExceeded):
            await pb_grpc.BrowserServiceStub(front).Act(pb.ActRequest(), timeout=0.5)
        await rooms.room.asked_for("hang")
        await asyncio.wait_for(rooms.room.over.wait(), 10)
        await front.close()
    await channel.close()
