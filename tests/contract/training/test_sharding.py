"""A job on two processes, under torchrun."""

import itertools
import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from services.training.adapters import finetuning


def losses(directory):
    lines = [json.loads(line) for line in (directory / "progress.jsonl").read_text().splitlines()]
    return [(line["train_loss"], line["validation_perplexity"], line["num_tokens"]) for line in lines[1:]]


def test_what_one_process_began_two_end_with_the_same_losses(make_job):
    numbers = {"dropout": 0.0, "batch_size": 7, "micro_batch_size": 3, "max_epochs": 2}
    alone, shared = make_job(**numbers), make_job(**numbers, processes=2)
    assert finetuning.run(alone, lambda: False)
    asked = itertools.count()
    assert not finetuning.run(shared, lambda: next(asked) >= 9)
    command = [sys.executable, "-m", "services.training.worker", "--job", str(shared)]
    leash, end = os.pipe()  # a worker stops when its standard input ends
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(command, stdin=leash, capture_output=True, text=True, env=environment)
    os.close(leash)
    os.close(end)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("training resumed") == 2
    for one, other in zip(losses(alone), losses(shared), strict=True):
        assert one == pytest.approx(other, rel=1e-3)
    kept = [load_file(directory / "adapter" / "adapter_model.safetensors") for directory in (alone, shared)]
    for name, tensor in kept[0].items():
        assert torch.allclose(tensor, kept[1][name], atol=2e-3), name
