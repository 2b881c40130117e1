"""Choosing a token, remembering a prompt, proving a model."""

import random
from itertools import takewhile

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from services.serving.adapters.decoding import Group, choose
from services.serving.adapters.linear import quicken
from services.serving.adapters.packing import Unread, can_pack, read, read_alone
from services.serving.adapters.prefixes import Prefixes, Starts, key_of
from services.serving.adapters.proving import DecodingUnsound, prove
from services.serving.adapters.rows import Row
from services.serving.ports import Sampling


def pairs(num_tokens):
    return [(torch.zeros(1, 2, num_tokens, 4), torch.zeros(1, 2, num_tokens, 4))]


def test_greedy_and_sampled_rows_share_a_step():
    logits = torch.log(torch.tensor([[0.1, 0.6, 0.3]] * 400))
    rows = [Row("", [1], Sampling(1, float(index > 0), index), 10) for index in range(400)]
    tokens, logprobs = choose(logits, rows)
    assert tokens[0] == 1
    assert logprobs[0] == pytest.approx(torch.log(torch.tensor(0.6)).item())
    shares = torch.bincount(torch.tensor(tokens[1:]), minlength=3) / 399
    assert shares.tolist() == pytest.approx([0.1, 0.6, 0.3], abs=0.08)


def test_the_longest_known_start_is_found_and_never_the_whole_prompt():
    known = Prefixes(10**6)
    known.add("", list(range(40)), pairs(40))
    known.add("", [*range(30), *range(100, 130)], pairs(60))
    assert known.longest("", [*range(30), 100, 101, 7])[0] == 32
    assert known.longest("", list(range(40)))[0] == 39
    assert known.longest("other", list(range(40))) == (0, [])
    assert known.longest("", [*range(9), 500])[0] == 0
    assert known.longest("", list(range(35)))[1][0][0].shape == (1, 2, 34, 4)


def test_the_longest_shared_start_stands_next_to_a_prompt():
    dice, starts, held = random.Random(7), Starts(), []
    for _ in range(400):
        prompt = [dice.choice((0, 1, 300, 70_000)) for _ in range(dice.randrange(1, 9))]
        wanted = max(
            (
                sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(prompt, other, strict=False)))
                for other in held
            ),
            default=0,
        )
        assert starts.longest(key_of(prompt))[0] == wanted
        if held and dice.random() < 0.3:
            starts.remove(key_of(held.pop(dice.randrange(len(held)))))
        held.append(prompt)
        starts.add(key_of(prompt))


def test_the_prompt_unused_for_longest_is_forgotten_first():
    size = sum(tensor.nbytes for tensor in pairs(40)[0])
    known = Prefixes(5 * size)
    for start in range(5):
        known.add("a", list(range(start * 1000, start * 1000 + 40)), pairs(40))
    assert known.longest("a", list(range(41)))[0] == 40
    known.add("a", list(range(9000, 9040)), pairs(40))
    assert known.longest("a", list(range(41)))[0] == 40
    assert known.longest("a", list(range(1000, 1041)))[0] == 0
    known.forget("a")
    assert known.longest("a", list(range(41)))[0] == 0


def little(**fields):
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        initializer_range=0.4,
        bos_token_id=None,
        eos_token_id=None,
        **fields,
    )
    return Qwen2ForCausalLM(config).eval()


CPU = torch.device("cpu")
WINDOW = {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}
ATTENTION = pytest.mark.parametrize("fields", [{}, WINDOW], ids=["full", "window"])


@ATTENTION
def test_a_model_that_decodes_in_batches_as_alone_is_proved(fields):
    assert prove(little(**fields), 64, CPU)


@ATTENTION
@torch.inference_mode()
def test_prompts_read_side_by_side_get_what_each_gets_alone(fields):
    model = little(**fields)
    assert can_pack(model)
    prompts = [
        [(3 * index + 7 * place) % 64 for place in range(length)] for index, length in enumerate((30, 5, 21, 21))
    ]
    unread = []
    for prompt, num_known in zip(prompts, (0, 0, 12, 20), strict=True):
        known = read_alone(model, Unread(prompt[:num_known], 0, []), CPU)[1][0] if num_known else []
        unread.append(Unread(prompt, num_known, known))
    logits, computed = read(model, unread, CPU)
    for index, each in enumerate(unread):
        wanted, (pairs,) = read_alone(model, each, CPU)
        torch.testing.assert_close(logits[index : index + 1], wanted, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(computed[index], pairs, atol=1e-4, rtol=1e-4)
    assert model.config._attn_implementation == "sdpa"


@torch.inference_mode()
def test_of_prompts_that_come_together_a_shared_start_is_computed_once():
    model, dice = little(), random.Random(5)
    assert can_pack(model)
    start, other = ([dice.randrange(64) for _ in range(length)] for length in (40, 50))
    prompts = [[*start, 1, 2, 3], [*start, 4, 5], other, [*start, 4, 5]]
    rows = [Row("", prompt, Sampling(2), 100) for prompt in prompts]
    group = Group("", Prefixes(10**7), frozenset(), lambda ids: "", CPU, packs=True)
    num_tokens, passes = [], []

    def count(module, inputs, how):
        num_tokens.append(sum(how["prompts"].lengths))

    model.register_forward_pre_hook(count, with_kwargs=True)
    waiting = rows
    while waiting:
        wave, waiting = group.wave(waiting)
        passes.append([rows.index(row) for row in wave])
        group.admit(model, wave)
    assert passes == [[0, 2], [1, 3]]
    assert num_tokens == [43 + 50, 2 + 2]
    assert rows[1].token_ids == rows[3].token_ids


def test_a_pass_reads_no_more_tokens_than_fit():
    group = Group("", Prefixes(0), frozenset(), lambda ids: "", CPU, packs=True)
    rows = [
        Row("", [index, *range(1, length)], Sampling(2), 10**6) for index, length in enumerate((9000, 3000, 1500, 900))
    ]
    wave, waiting = group.wave(rows)
    assert (wave, waiting) == (rows[:1], rows[1:])
    wave, waiting = group.wave(waiting)
    assert wave == [rows[1], rows[3]]


@pytest.mark.parametrize("how", ["unwilling", "mixing"])
def test_a_model_whose_prompts_cannot_be_packed_reads_them_one_by_one(how):
    model = little()
    if how == "unwilling":
        model._supports_sdpa = False
    else:
        attend = model.model.layers[1].self_attn

        def mix(module, inputs, kwargs, output):
            return (output[0] + output[0].mean(1, keepdim=True), output[1]) if "prompts" in kwargs else output

        attend.register_forward_hook(mix, with_kwargs=True)
    assert not prove(model, 64, CPU)


def test_linear_layers_compute_the_same_by_onednn():
    plain, quick = little(), little()
    quicken(quick)
    ids = torch.arange(60).reshape(2, 30)
    with torch.inference_mode():
        torch.testing.assert_close(quick(ids).logits, plain(ids).logits, atol=1e-4, rtol=1e-4)
    # One that is to be trained keeps its gradients.
    quick(ids, labels=ids).loss.backward()
    assert quick.model.layers[0].mlp.up_proj.weight.grad.abs().sum() > 0
    assert all(isinstance(layer, torch.nn.Linear) for name, layer in quick.named_modules() if name.endswith("_proj"))


def test_a_model_that_looks_at_its_neighbours_is_refused():
    model = little()
    attend = model.model.layers[1].self_attn.o_proj
    attend.register_forward_hook(lambda module, inputs, output: output + output.sum(0, keepdim=True))
    with pytest.raises(DecodingUnsound, match="nats a token"):
        prove(model, 64, CPU)
