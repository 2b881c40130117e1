"""What a request gets back, alone and among others."""

import asyncio
import re

import pytest
import torch
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from ratchet.serving.v1 import serving_service_pb2 as pb
from services.common.errors import InvalidArgument, RatchetError

PROMPTS = [
    "PAGE: [12] link 'Velmora Kettle' OBJECTIVE: find the price",
    "OBJECTIVE: stop with the answer",
    "PAGE: [4] textbox 'Search products' text 'Price: $12.99' OBJECTIVE: type [kettle] and scroll down, go back",
    "x",
    "PAGE: [12] link 'Velmora Kettle' OBJECTIVE: go back",
]


def expected(base, prompt, num_tokens):
    """transformers' own greedy generate."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    model = Qwen2ForCausalLM.from_pretrained(base).eval()
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        out = model.generate(ids, max_new_tokens=num_tokens, do_sample=False, pad_token_id=0)
    return out[0, ids.shape[1] :].tolist()


async def test_greedy_is_what_transformers_generates(rooms, base):
    for prompt in PROMPTS:
        answer = await rooms.say(prompt)
        assert list(answer.response_token_ids) == expected(base, prompt, 12)
        assert answer.prompt == prompt
        assert answer.num_response_tokens == len(answer.response_token_ids) == len(answer.response_logprobs)


async def test_a_batch_answers_as_one_by_one(open_rooms, base):
    rooms = await open_rooms(model=str(base), max_batch=3, prefix_cache_mb=0)
    wishes = [
        {"text": prompt, "max_new_tokens": 5 + 7 * (index % 4), "temperature": 0.7 * (index % 2), "seed": index}
        for index, prompt in enumerate(PROMPTS * 3)
    ]
    alone = [await rooms.say(**wish) for wish in wishes]
    together = await asyncio.gather(*(rooms.say(**wish) for wish in reversed(wishes)))
    for one, other in zip(alone, reversed(together), strict=True):
        assert list(one.response_token_ids) == list(other.response_token_ids)
        assert list(one.response_logprobs) == pytest.approx(list(other.response_logprobs), abs=1e-3)


async def test_a_prompt_that_starts_like_an_earlier_one_is_answered_as_if_it_did_not(open_rooms, base):
    page = "PAGE: [12] link 'Velmora Kettle' text 'Price: $12.99' [4] textbox 'Search products' "
    texts = [page, page + "OBJECTIVE: go back", page + "OBJECTIVE: find the price", page + "OBJECTIVE: go back"]
    rooms = await open_rooms(model=str(base))
    for text in texts:
        assert list((await rooms.say(text)).response_token_ids) == expected(base, text, 12)


async def test_a_seed_decides_what_is_sampled(rooms):
    text = PROMPTS[0]
    first = await rooms.say(text, temperature=1.5, seed=3)
    again, other, *_ = await asyncio.gather(
        rooms.say(text, temperature=1.5, seed=3),
        rooms.say(text, temperature=1.5, seed=4),
        *(rooms.say(prompt, temperature=1.0, seed=3) for prompt in PROMPTS),
    )
    assert list(again.response_token_ids) == list(first.response_token_ids)
    assert list(other.response_token_ids) != list(first.response_token_ids)


async def test_samples_follow_the_models_distribution(rooms, base):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    model = Qwen2ForCausalLM.from_pretrained(base).eval()
    with torch.no_grad():
        logits = model(**tokenizer(PROMPTS[1], return_tensors="pt")).logits[0, -1]
    wanted = torch.softmax(logits / 2.0, -1)
    drawn = await asyncio.gather(
        *(rooms.say(PROMPTS[1], max_new_tokens=1, temperature=2.0, seed=seed) for seed in range(200))
    )
    counts = torch.zeros_like(wanted)
    for answer in drawn:
        counts[answer.response_token_ids[0]] += 1
        logprob = torch.log_softmax(logits, -1)[answer.response_token_ids[0]].item()
        assert answer.response_logprobs[0] == pytest.approx(logprob, abs=1e-3)
    top = wanted.topk(5).indices
    error = (wanted[top] * (1 - wanted[top]) / 200).sqrt()
    assert ((counts[top] / 200 - wanted[top]).abs() < 4 * error).all()


async def test_a_stop_string_ends_a_response_and_is_not_in_it(rooms, base):
    whole = await rooms.say(PROMPTS[0], max_new_tokens=24)
    # Whole characters only: a token of a random model may be a part of one.
    stop = re.findall("[ -~]{3}", whole.text)[1]
    cut = await rooms.say(PROMPTS[0], max_new_tokens=24, stop=["never said", stop])
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.finish_reason == pb.FINISH_REASON_STOP
    assert whole.finish_reason == pb.FINISH_REASON_LENGTH


async def test_the_end_token_ends_a_response_and_is_not_in_its_text(rooms):
    answers = await asyncio.gather(
        *(rooms.say(PROMPTS[0], max_new_tokens=60, temperature=2.0, seed=seed) for seed in range(40))
    )
    ended = [answer for answer in answers if answer.finish_reason == pb.FINISH_REASON_STOP]
    assert ended
    for answer in ended:
        assert answer.response_token_ids[-1] == 0
        assert 0 not in answer.response_token_ids[:-1]
        assert "<end>" not in answer.text


async def test_a_part_keeps_only_its_first_tokens(rooms, base):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    page, tail = PROMPTS[2] * 3, " OBJECTIVE: go back"
    parts = [pb.PromptPart(role="user", text=page, max_tokens=10), pb.PromptPart(role="user", text=tail)]
    answer = await rooms.serving.Generate(pb.GenerateRequest(parts=parts, max_new_tokens=2))
    kept = answer.prompt.removesuffix(tail)
    assert page.startswith(kept)
    assert tokenizer(kept).input_ids == tokenizer(page).input_ids[:10]
    assert answer.num_prompt_tokens == len(tokenizer(answer.prompt).input_ids)


async def test_a_huge_page_is_cut_to_its_first_tokens(rooms):
    part = pb.PromptPart(role="user", text="link 'Velmora Kettle' " * 100_000, max_tokens=20)
    answer = await rooms.serving.Generate(pb.GenerateRequest(parts=[part], max_new_tokens=1))
    assert answer.num_prompt_tokens == 20


async def test_a_response_ends_where_the_models_context_does(rooms):
    answer = await rooms.say(PROMPTS[0], max_new_tokens=100_000, temperature=0.0)
    assert answer.num_prompt_tokens + answer.num_response_tokens <= 256


async def test_a_chat_template_wraps_the_roles(open_rooms, base, tmp_path):
    model = tmp_path / "chat"
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    tokenizer.chat_template = (
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    tokenizer.save_pretrained(model)
    Qwen2ForCausalLM.from_pretrained(base).save_pretrained(model)
    (model / "ratchet.json").write_text('{"prompt_format": "brief", "observation_format": "compact"}')
    rooms = await open_rooms(model=str(model))
    parts = [("system", "be brief"), ("user", "page "), ("user", "objective")]
    request = pb.GenerateRequest(parts=[pb.PromptPart(role=role, text=text) for role, text in parts], max_new_tokens=1)
    answer = await rooms.serving.Generate(request)
    assert answer.prompt == "<system>be brief\n<user>page objective\n<assistant>"
    described = (await rooms.serving.GetModel(pb.GetModelRequest())).model
    assert (described.prompt_format, described.observation_format) == ("brief", "compact")
    assert described.context_tokens == 256
    assert described.uri == str(model)


@pytest.mark.parametrize(
    ("fields", "reason", "words"),
    [
        ({"model": "another"}, "MODEL_NOT_FOUND", "'another' is not served here"),
        ({"adapter": "0" * 64}, "ADAPTER_NOT_LOADED", "call LoadAdapter"),
        ({"max_new_tokens": 0}, "INVALID_ARGUMENT", "at least 1"),
        ({"temperature": -1.0}, "INVALID_ARGUMENT", "temperature"),
        ({"temperature": 2.5}, "INVALID_ARGUMENT", "to 2"),
        ({"stop": [""]}, "INVALID_ARGUMENT", "none of them empty"),
        ({"text": ""}, "INVALID_ARGUMENT", "prompt is empty"),
        ({"text": "x y " * 300}, "PROMPT_TOO_LONG", "max_tokens of the longest part"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(rooms, fields, reason, words):
    with pytest.raises(RatchetError, match=words) as caught:
        await rooms.say(**{"text": "x", **fields})
    assert caught.value.reason == reason


async def test_an_unknown_role_is_refused(rooms):
    part = pb.PromptPart(role="tool", text="x")
    with pytest.raises(InvalidArgument, match=r"parts\[0\]\.role is 'tool'"):
        await rooms.serving.Generate(pb.GenerateRequest(parts=[part], max_new_tokens=1))


async def test_a_regex_holds_whatever_the_model_would_write(rooms):
    regex = r"(?:yes|no)/[0-9]{2}\n?"
    answers = await asyncio.gather(
        *(rooms.say(PROMPTS[0], regex=regex, temperature=2.0, seed=seed) for seed in range(10)),
        *(rooms.say(PROMPTS[0], temperature=2.0, seed=seed) for seed in range(10)),
    )
    assert [bool(re.fullmatch(regex, answer.text)) for answer in answers] == [True] * 10 + [False] * 10
    alone = [await rooms.say(PROMPTS[0], temperature=2.0, seed=seed) for seed in range(2)]
    assert [answer.text for answer in alone] == [answer.text for answer in answers[10:12]]
    (only,) = (await rooms.say(PROMPTS[0], max_new_tokens=1, regex="y")).response_logprobs
    assert only == pytest.approx(0.0, abs=1e-6), "there was nothing else to write"
    with pytest.raises(InvalidArgument, match="the regex cannot be read") as caught:
        await rooms.say(PROMPTS[0], regex="(unclosed")
    assert caught.value.reason == "REGEX_REFUSED"
