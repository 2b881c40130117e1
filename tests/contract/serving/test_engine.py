"""Admission, cancellation, and what a start is refused for."""

import asyncio
import subprocess
import sys

import pytest
from tokenizers import Tokenizer

from services.common.errors import NotFound, RatchetError, ResourceExhausted, Unavailable
from services.common.rpc import admitted
from services.serving.adapters.transformers import TransformersEngine
from services.serving.ports import Sampling
from services.serving.settings import ServingSettings

TEXT = "PAGE: [12] link 'Velmora Kettle' OBJECTIVE: find the price"


async def test_requests_beyond_the_bound_are_refused_and_the_others_answered(open_rooms, base):
    rooms = await open_rooms(model=str(base), max_requests=4, max_batch=2)
    answers = await asyncio.gather(*(rooms.say(TEXT, max_new_tokens=40) for _ in range(12)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, ResourceExhausted)]
    assert refused
    assert len(answers) - len(refused) >= 4
    assert all("serving.max_requests" in error.message for error in refused)
    assert all(0 < error.retry_after_s < 10 for error in refused)
    assert (await rooms.say(TEXT)).num_response_tokens == 12


async def test_a_caller_that_waits_as_it_is_told_is_answered(open_rooms, base):
    rooms = await open_rooms(model=str(base), max_requests=2, max_batch=2)
    num_refused = 0

    async def ask():
        nonlocal num_refused
        try:
            return await rooms.say(TEXT)
        except ResourceExhausted:
            num_refused += 1
            raise

    answers = await asyncio.gather(*(admitted(lambda _: ask(), 60.0) for _ in range(6)))
    assert num_refused > 0
    assert {answer.num_response_tokens for answer in answers} == {12}


async def test_a_caller_without_time_is_told_that_the_room_is_full(open_rooms, base):
    rooms = await open_rooms(model=str(base), max_requests=1)
    asked = [asyncio.ensure_future(admitted(lambda left_s: rooms.say(TEXT), 0.01)) for _ in range(4)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert any(isinstance(outcome, ResourceExhausted) for outcome in outcomes)


async def test_a_cancelled_request_frees_its_row(base):
    engine = TransformersEngine(ServingSettings(model=str(base), max_batch=1), {})
    await engine.start()
    try:
        prompt = await engine.tokenizer.encode(TEXT)
        long = [asyncio.ensure_future(engine.generate("", prompt, Sampling(200, 1.0, seed))) for seed in range(50)]
        await asyncio.wait(long, return_when=asyncio.FIRST_COMPLETED)
        for task in long:
            task.cancel()
        answer = await engine.generate("", prompt, Sampling(3))
        assert len(answer.token_ids) == 3
        assert sum(task.cancelled() for task in long) > 40
    finally:
        await engine.stop()


async def test_stopping_fails_what_runs_and_refuses_what_comes(base):
    engine = TransformersEngine(ServingSettings(model=str(base)), {})
    await engine.start()
    prompt = await engine.tokenizer.encode(TEXT)
    running = [asyncio.ensure_future(engine.generate("", prompt, Sampling(200, 1.0, seed))) for seed in range(64)]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    await engine.stop()
    await engine.stop()
    outcomes = await asyncio.gather(*running, return_exceptions=True)
    assert any(isinstance(outcome, Unavailable) for outcome in outcomes)


async def test_an_unknown_model_is_named_with_the_known_ones(open_rooms, base):
    with pytest.raises(NotFound, match=r"no model '/no/such/place'.*mine.*Give one of these") as caught:
        await open_rooms(model="/no/such/place", models={"mine": str(base)})
    assert caught.value.reason == "MODEL_NOT_FOUND"


async def test_a_model_that_no_cache_holds_is_named(open_rooms):
    with pytest.raises(NotFound, match="no model 'somebody/nothing'"):
        await open_rooms(model="somebody/nothing", allow_download=False)


async def test_a_directory_that_is_not_a_model_is_refused(open_rooms, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "unheard-of"}')
    with pytest.raises(RatchetError, match=r"cannot be run|no model"):
        await open_rooms(model=str(tmp_path))


async def test_a_known_name_leads_to_its_directory(open_rooms, base):
    rooms = await open_rooms(model="mine", models={"mine": str(base)})
    assert (await rooms.say(TEXT, model="mine")).num_response_tokens == 12


async def test_a_tokenizer_splits_words_as_it_was_trained_to(open_rooms, base):
    """transformers' AutoTokenizer would take the splitting of the model's type instead."""
    rooms = await open_rooms(model=str(base))
    written = Tokenizer.from_file(str(base / "tokenizer.json"))
    answer = await rooms.say(TEXT, max_new_tokens=1)
    assert answer.num_prompt_tokens == len(written.encode(TEXT).ids)


def test_a_base_is_read_without_what_no_room_uses(base):
    code = (
        "import sys\nfrom services.serving.adapters.loading import Loaded, shapes\n"
        "from services.serving.settings import ServingSettings\n"
        f"Loaded(ServingSettings(model={str(base)!r}), {{}})._load(shapes)\n"
        "print([name for name in ('sklearn', 'pandas', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
