"""Two vLLM servers behind one serving room."""

import asyncio
import contextlib
import os
import signal
import sys
from importlib.util import find_spec

import pytest

from benchmarks.peers import servers
from services.common.errors import FailedPrecondition, Unavailable
from services.host.rooms.serving import MODELS
from services.training.pretraining import synthetic

TINY = MODELS / "ratchet-tiny"
STEPS = synthetic.demonstrations(3, 12)


async def answers(rooms, *adapters):
    """Greedy tokens of every step by each policy."""
    asked = [
        rooms.say(step.prompt, max_new_tokens=48, adapter=adapter, affinity=str(step.task))
        for step in STEPS
        for adapter in adapters
    ]
    return [list(answer.response_token_ids) for answer in await asyncio.gather(*asked)]


@pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed here: make test-vllm")
async def test_two_servers_answer_as_one_engine_and_one_of_them_may_die(make, open_rooms, tmp_path):
    archive = make.archive(make.adapter(TINY, tmp_path / "adapter", seed=5))
    mine = await open_rooms(model="ratchet-tiny")
    digest = await mine.load(archive)
    wanted = await answers(mine, "", digest)
    async with contextlib.AsyncExitStack() as stack:
        opening = (servers.bare(sys.executable, TINY, tmp_path / f"server{number}") for number in range(2))
        found = [await stack.enter_async_context(each) for each in opening]
        settings = {"engine": "openai", "urls": [each.url for each in found], "dtype": "float32"}
        rooms = await open_rooms(model="ratchet-tiny", **settings)
        assert await rooms.load(archive) == digest
        for each in found:
            assert await each.adapters() == {digest}
        got = await answers(rooms, "", digest)
        assert sum(one == other for one, other in zip(got, wanted, strict=True)) >= 0.99 * len(wanted)
        running = asyncio.ensure_future(answers(rooms, "", digest))
        await rooms.say(STEPS[0].prompt, max_new_tokens=1)
        os.kill(found[0].pid, signal.SIGKILL)
        assert await running == got
        assert await answers(rooms, digest) == got[1::2]


async def test_a_server_that_does_not_answer_is_named(open_rooms):
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:9 does not answer"):
        await open_rooms(model="ratchet-tiny", engine="openai", urls=["http://127.0.0.1:9"])
    with pytest.raises(FailedPrecondition, match="list the servers' URLs"):
        await open_rooms(model="ratchet-tiny", engine="openai")
