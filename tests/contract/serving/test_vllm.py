"""What only vLLM does: one policy with the other engine, grammars, a process that may die, adapters kept apart."""

import asyncio
import contextlib
import os
import re
import signal
import urllib.request
from pathlib import Path

import pytest

from ratchet.serving.v1 import serving_service_pb2 as pb
from services.common.addresses import socket_directory
from services.common.prompts import brief
from services.training.pretraining import synthetic

TEXT = "PAGE: [12] link 'Velmora Kettle' OBJECTIVE: find the price"
STEPS = synthetic.demonstrations(7, 75)


@pytest.fixture(scope="module")
def tiny_host(hosting):
    with hosting() as host:
        yield host


@pytest.fixture
async def tiny(tiny_host, open_host):
    async with open_host(tiny_host) as rooms:
        yield rooms


async def responses(rooms, **fields):
    """Greedy answers to every step, 32 at a time as 32 episodes would ask."""
    free = asyncio.Semaphore(32)

    async def one(step):
        async with free:
            return await rooms.say(step.prompt, max_new_tokens=96, **fields)

    return await asyncio.gather(*(one(step) for step in STEPS))


async def test_both_engines_write_the_same_tokens(tiny, open_rooms):
    mine = await responses(tiny)
    others = await responses(await open_rooms(model="ratchet-tiny"))
    same = [
        list(one.response_token_ids) == list(other.response_token_ids) for one, other in zip(mine, others, strict=True)
    ]
    assert sum(same) >= 0.99 * len(STEPS) > 140
    for one, other, is_same in zip(mine, others, same, strict=True):
        assert one.prompt == other.prompt
        if is_same:
            assert list(one.response_logprobs) == pytest.approx(list(other.response_logprobs), abs=1e-2)


async def test_a_grammar_takes_nothing_from_a_right_answer(tiny):
    free, constrained = await responses(tiny), await responses(tiny, regex=brief.FORMAT.regex)
    right = [answer.text == step.response for answer, step in zip(free, STEPS, strict=True)]
    assert sum(right) > 10
    for answer, bound, is_right in zip(free, constrained, right, strict=True):
        if is_right:
            assert bound.text == answer.text
        if bound.finish_reason == pb.FINISH_REASON_STOP:
            assert re.fullmatch(brief.FORMAT.regex, bound.text)


async def test_cancelled_requests_are_not_computed_to_their_end(vllm_host, vllm_rooms):
    before = metric(vllm_host, "vllm:generation_tokens_total")
    long = [
        asyncio.ensure_future(vllm_rooms.say(TEXT, max_new_tokens=200, temperature=0.5, seed=seed, regex="[a-z]{180}"))
        for seed in range(64)
    ]
    await vllm_rooms.say(TEXT, max_new_tokens=2)
    for task in long:
        task.cancel()
    await asyncio.wait(long)
    await vllm_rooms.say(TEXT, max_new_tokens=12)
    assert sum(task.cancelled() for task in long) > 60
    assert metric(vllm_host, "vllm:generation_tokens_total") - before < 0.5 * 64 * 90
    assert metric(vllm_host, "vllm:num_requests_running") == 0


async def test_a_killed_engine_takes_no_request_and_no_adapter_with_it(vllm_host, vllm_rooms, adapters):
    digest = await vllm_rooms.load(adapters[0][1])
    wishes = [{"max_new_tokens": 100, "adapter": digest if index % 2 else ""} for index in range(8)]
    wanted = [await vllm_rooms.say(TEXT, **wish) for wish in wishes]
    asked = [asyncio.ensure_future(vllm_rooms.say(TEXT, **wish)) for wish in wishes]
    await vllm_rooms.say(TEXT, max_new_tokens=1)
    os.kill(engine_pid(vllm_host), signal.SIGKILL)
    answers = await asyncio.gather(*asked)
    assert [list(one.response_token_ids) for one in answers] == [list(one.response_token_ids) for one in wanted]
    assert (await vllm_rooms.say(TEXT, adapter=digest)).num_response_tokens == 12


def test_a_server_whose_adapters_would_mix_does_not_start(hosting, base):
    with (
        pytest.raises(AssertionError, match=r"gets another answer in a batch .* vLLM needs Ratchet's plugin"),
        hosting({"VLLM_PLUGINS": "none"}, model=str(base)),
    ):
        pass


async def test_a_killed_host_leaves_no_engine_behind(hosting, base):
    with hosting(model=str(base)) as host:
        engine = os.pidfd_open(engine_pid(host))
        host.process.kill()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(engine, ended.set)
        async with asyncio.timeout(30):
            await ended.wait()
        asyncio.get_running_loop().remove_reader(engine)
        os.close(engine)


def engine_pid(host) -> int:
    """The process in which vLLM computes."""
    for path in Path(f"/proc/{host.process.pid}/task").glob("*/children"):
        for child in path.read_text().split():
            if Path(f"/proc/{child}/comm").read_text().startswith("VLLM"):
                return int(child)
    raise AssertionError("the host has no engine process")


def metric(host, name: str) -> float:
    """A number of the host's metrics."""
    url = (socket_directory(host.home) / "metrics.url").read_text().strip()
    with contextlib.closing(urllib.request.urlopen(url)) as reply:
        text = reply.read().decode()
    return sum(float(value) for value in re.findall(rf"^{name}{{[^}}]*}} (\S+)$", text, re.MULTILINE))
