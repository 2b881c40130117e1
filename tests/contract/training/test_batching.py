"""Rows packed behind one another, padded, and read from files."""

import itertools
import tracemalloc

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import Lfm2Config, Lfm2ForCausalLM, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from services.training.adapters import corpus, examples
from services.training.adapters.batching import Batcher
from services.training.adapters.examples import Example

CPU = torch.device("cpu")
SIZES = {
    "vocab_size": 90,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
}


def made(count, generator):
    return [
        Example(torch.randint(1, 90, (length,), generator=generator).tolist(), 2 + length % 5)
        for length in torch.randint(8, 40, (count,), generator=generator).tolist()
    ]


def learnt(model, batcher, rows):
    """The loss per token, and the gradients."""
    model.zero_grad()
    loss = batcher.loss(rows) / sum(row.num_response for row in rows)
    loss.backward()
    return loss.item(), [parameter.grad.clone() for parameter in model.parameters()]


@pytest.mark.parametrize("window", [{}, {"use_sliding_window": True, "sliding_window": 6, "max_window_layers": 1}])
def test_packed_rows_have_the_loss_and_gradients_of_rows_by_themselves(window):
    torch.manual_seed(3)
    model = Qwen2ForCausalLM(Qwen2Config(**SIZES, **window))
    rows = made(7, torch.Generator().manual_seed(5))
    batcher = Batcher(model, model, 0, CPU)
    padded, padded_gradients = learnt(model, batcher, rows)
    alone = sum(batcher.loss([row]).item() for row in rows) / sum(row.num_response for row in rows)
    assert batcher.try_packing(rows[:3], torch.float32)
    packed, gradients = learnt(model, batcher, rows)
    assert packed == pytest.approx(alone, abs=1e-5)
    assert padded == pytest.approx(alone, abs=1e-5)
    for one, other in zip(gradients, padded_gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_model_that_mixes_packed_rows_up_is_padded():
    torch.manual_seed(3)
    layers = ["conv", "full_attention"]
    model = Lfm2ForCausalLM(Lfm2Config(**SIZES, layer_types=layers, block_multiple_of=8))
    rows = made(3, torch.Generator().manual_seed(5))
    batcher = Batcher(model, model, 0, CPU)
    before = batcher.loss(rows).item()
    assert not batcher.try_packing(rows, torch.float32)
    assert batcher.loss(rows).item() == before


def test_an_epoch_has_every_row_once_in_an_order_of_its_own():
    lengths = np.random.default_rng(0).integers(5, 500, 101)
    for by_length in (False, True):
        orders = [examples.order(lengths, 8, 42, epoch, by_length=by_length) for epoch in (0, 1, 0)]
        assert sorted(torch.cat(orders[1]).tolist()) == list(range(101))
        assert max(len(batch) for batch in orders[0]) == 8
        assert torch.equal(torch.cat(orders[0]), torch.cat(orders[2]))
        assert not torch.equal(torch.cat(orders[0]), torch.cat(orders[1]))
    spans = sorted((int(lengths[batch.numpy()].min()), int(lengths[batch.numpy()].max())) for batch in orders[0])
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


def test_pieces_keep_to_their_limits_and_leave_no_row_out():
    rows = [Example([1] * length, 1) for length in (5, 30, 4, 4, 4, 9, 1)]
    cut = list(examples.pieces(rows, 3, 12))
    assert [[len(row.token_ids) for row in piece] for piece in cut] == [[5], [30], [4, 4, 4], [9, 1]]
    assert [list(piece) for piece in examples.pieces(rows, 0, 0)] == [rows]


def test_a_dataset_is_read_in_memory_that_does_not_grow_with_it(base, tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "_CHUNK", 64)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    peaks_bytes = []
    for count in (400, 1600):
        home = tmp_path / str(count)
        table = [
            {"prompt": "kettle lamp desk " * 8, "response": f"lamp [{row}]", "split": "train"} for row in range(count)
        ]
        pq.write_table(pa.Table.from_pylist(table), tmp_path / "rows.parquet", row_group_size=100)
        tracemalloc.start()
        train, validation = corpus.build(tmp_path / "rows.parquet", tokenizer, 128, home)
        peaks_bytes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert (len(train), len(validation)) == (count, 0)
        for row in (0, 317, count - 1):
            assert train[row] == next(examples.encode([table[row]["prompt"]], [table[row]["response"]], tokenizer, 128))
    assert peaks_bytes[1] < 1.3 * peaks_bytes[0]
    again, _ = corpus.build(tmp_path / "gone", tokenizer, 128, home)
    assert again[317] == train[317]
