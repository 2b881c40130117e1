"""Speed, memory and MFU of a run, and its TensorBoard files."""

import importlib.util
import itertools
import json
import time

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from services.training.adapters import finetuning, measuring, models, work
from services.training.adapters.batching import Batcher
from services.training.adapters.examples import Example

CPU = torch.device("cpu")


def reported(directory):
    return [json.loads(line) for line in (directory / "progress.jsonl").read_text().splitlines()][1:]


@pytest.mark.parametrize("method", ["lora", "full"])
def test_operations_are_those_that_torch_counts(make_job, method):
    loaded = models.load(work.read(make_job(method=method, dropout=0.0)), CPU, None, halves=False)
    rows = [Example([3, 1, 4, 1, 5, 9, 2, 6] * 4, 6), Example([2, 7, 1, 8] * 8, 3)]
    batcher = Batcher(loaded.model, loaded.base, 0, CPU)
    assert batcher.try_packing(rows, torch.float32)
    with FlopCounterMode(display=False) as counter:
        batcher.loss(rows).backward()
    # Torch counts attention apart, and the first layer's inputs, whose gradient a frozen embedding does not need.
    assert measuring.Flops(loaded).of(rows) == pytest.approx(counter.get_total_flops(), rel=0.15)


def test_a_point_tells_memory_and_mfu_where_the_peak_is_known(make_job):
    known = make_job(max_epochs=1, peak_tflops=0.01)
    assert finetuning.run(known, lambda: False)
    for point in reported(known):
        assert 0 < point["mfu"] < 100
        assert 50e6 < point["memory_bytes"] < 64e9
    half = make_job(max_epochs=1)
    assert finetuning.run(half, lambda: False)
    assert {point["mfu"] for point in reported(half)} == {0.0}


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="needs the extra tensorboard")
def test_tensorboard_shows_each_step_once_though_the_run_was_stopped(make_job):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    directory, asked = make_job(max_epochs=2), itertools.count()
    assert not finetuning.run(directory, lambda: next(asked) >= 4)
    # Its files are read by the names' seconds, and within one by a count that sorts 10 before 9.
    time.sleep(1.1)
    assert finetuning.run(directory, lambda: False)
    shown = EventAccumulator(str(directory / "tensorboard")).Reload()
    steps = [event.step for event in shown.Scalars("train_loss")]
    assert steps == [point["step"] for point in reported(directory)]
    last = shown.Scalars("validation_perplexity")[-1].value
    assert last == pytest.approx(reported(directory)[-1]["validation_perplexity"])
