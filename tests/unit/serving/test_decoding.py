"""Choosing a token, remembering a prompt, proving a model."""

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from services.serving.adapters.decoding import Group, choose
from services.serving.adapters.prefixes import Prefixes
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


def group():
    return Group("", Prefixes(0), frozenset(), lambda ids: "", torch.device("cpu"))


@pytest.mark.parametrize(
    "fields", [{}, {"use_sliding_window": True, "sliding_window": 8, "max_window_layers": 1}], ids=["full", "window"]
)
def test_a_model_that_decodes_in_batches_as_alone_is_proved(fields):
    prove(little(**fields), group(), 64)


def test_a_model_that_looks_at_its_neighbours_is_refused():
    model = little()
    attend = model.model.layers[1].self_attn.o_proj
    attend.register_forward_hook(lambda module, inputs, output: output + output.sum(0, keepdim=True))
    with pytest.raises(DecodingUnsound, match="nats a token"):
        prove(model, group(), 64)
