"""The fine-tuning itself, in this process."""

import itertools
import json
import math
import shutil
import tarfile

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from services.common.errors import InvalidArgument, RatchetError
from services.training.adapters import examples, finetuning


def never():
    return False


def points(directory):
    lines = [json.loads(line) for line in (directory / "progress.jsonl").read_text().splitlines()]
    return lines[0], [{**line, "tokens_per_s": 0, "memory_bytes": 0} for line in lines[1:]]


def perplexity(model, tokenizer, content):
    """By hand: a row at a time, without padding, on the response's tokens and the end token."""
    total, count = 0.0, 0
    for row in content:
        prompt = tokenizer(row["prompt"]).input_ids
        response = [*tokenizer(row["response"]).input_ids, tokenizer.eos_token_id]
        with torch.no_grad():
            logits = model.eval()(input_ids=torch.tensor([prompt + response])).logits[0]
        found = torch.log_softmax(logits[len(prompt) - 1 : -1], -1)
        total -= found[torch.arange(len(response)), torch.tensor(response)].sum().item()
        count += len(response)
    return math.exp(total / count)


def test_an_adapter_is_learnt_that_plain_peft_loads(undisturbed, base, sample):
    directory = undisturbed
    first, reported = points(directory)
    ends = [point["validation_perplexity"] for point in reported if point["validation_perplexity"]]
    held_out = [row for row in sample(40) if row["split"] == "validation"]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    plain = Qwen2ForCausalLM.from_pretrained(base)
    assert first["initial_validation_perplexity"] == pytest.approx(perplexity(plain, tokenizer, held_out), rel=1e-3)
    tuned = PeftModel.from_pretrained(plain, directory / "adapter")
    assert min(ends) == pytest.approx(perplexity(tuned, tokenizer, held_out), rel=1e-3)
    assert min(ends) < first["initial_validation_perplexity"] / 4
    assert first["total_steps"] == reported[-1]["step"] == 12
    names = set(load_file(directory / "adapter" / "adapter_model.safetensors"))
    assert {name.split(".")[-3] for name in names} == {
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    }
    with tarfile.open(directory / "adapter.tar") as tar:
        assert tar.getnames() == ["README.md", "adapter_config.json", "adapter_model.safetensors", "ratchet.json"]


def test_an_interrupted_run_ends_as_an_undisturbed_one(make_job, undisturbed):
    interrupted = make_job()
    for stop in (4, 5):
        asked = itertools.count()
        assert not finetuning.run(interrupted, lambda asked=asked, stop=stop: next(asked) >= stop)
    assert finetuning.run(interrupted, never)
    assert points(interrupted) == points(undisturbed)
    assert (interrupted / "adapter.tar").read_bytes() == (undisturbed / "adapter.tar").read_bytes()


def test_a_run_stops_at_once_in_the_middle_of_a_step_and_does_that_step_again(make_job):
    whole, interrupted = (make_job(micro_batch_size=3, max_epochs=1) for _ in range(2))
    assert finetuning.run(whole, never)
    for stop in (1, 7, 10):  # in the first validation, in a step, in the last validation
        asked = itertools.count()
        assert not finetuning.run(interrupted, lambda asked=asked, stop=stop: next(asked) >= stop)
        assert next(asked) == stop + 1
    assert finetuning.run(interrupted, never)
    assert (interrupted / "adapter.tar").read_bytes() == (whole / "adapter.tar").read_bytes()


def test_points_reported_after_the_checkpoint_are_taken_back(make_job, undisturbed):
    killed = make_job()
    asked = itertools.count()
    assert not finetuning.run(killed, lambda: next(asked) >= 6)
    with (killed / "progress.jsonl").open("a") as file:
        file.write('{"step": 99, "epoch": 9.0, "train_loss": 9.0, "validation_perplexity": 0, "tokens_per_s": 1}\n{"st')
    assert finetuning.run(killed, never)
    assert points(killed) == points(undisturbed)


def test_it_stops_early_and_the_best_epoch_is_kept(make_job, base, sample):
    directory = make_job(learning_rate=0.3, max_epochs=12, patience=1)
    assert finetuning.run(directory, never)
    _, reported = points(directory)
    ends = [point["validation_perplexity"] for point in reported if point["validation_perplexity"]]
    best = ends.index(min(ends))
    assert len(ends) == best + 2 < 12
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    tuned = PeftModel.from_pretrained(Qwen2ForCausalLM.from_pretrained(base), directory / "adapter")
    held_out = [row for row in sample(40) if row["split"] == "validation"]
    assert perplexity(tuned, tokenizer, held_out) == pytest.approx(min(ends), rel=1e-3)


def test_small_pieces_and_activations_computed_again_change_no_gradient(make_job):
    weights = []
    for numbers in ({}, {"micro_batch_size": 3, "micro_batch_tokens": 150}, {"gradient_checkpointing": True}):
        directory = make_job(**numbers, dropout=0.0, max_epochs=1)
        assert finetuning.run(directory, never)
        weights.append(load_file(directory / "adapter" / "adapter_model.safetensors"))
    for other in weights[1:]:
        for name, tensor in weights[0].items():
            assert torch.allclose(tensor, other[name], atol=2e-3), name


def test_a_run_may_go_on_from_an_adapter(make_job, undisturbed):
    second = make_job(max_epochs=1)
    shutil.copytree(undisturbed / "adapter", second / "initial")
    assert finetuning.run(second, never)
    _, ended = points(undisturbed)
    begun, _ = points(second)
    best = min(point["validation_perplexity"] for point in ended if point["validation_perplexity"])
    assert begun["initial_validation_perplexity"] == pytest.approx(best, rel=1e-4)


def test_without_validation_rows_every_epoch_is_done(make_job, sample):
    directory = make_job(sample(16, validation_every=0), patience=1)
    assert finetuning.run(directory, never)
    _, reported = points(directory)
    assert reported[-1]["epoch"] == 3
    assert all(point["validation_perplexity"] == 0 for point in reported)


def test_only_the_response_is_learnt_and_a_long_prompt_loses_its_start(base):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    prompt, response = tokenizer("PAGE: link OBJECTIVE: mug").input_ids, tokenizer("mug [1]").input_ids

    def encode(prompt, response, max_tokens):
        return next(examples.encode([prompt], [response], tokenizer, max_tokens))

    whole = encode("PAGE: link OBJECTIVE: mug", "mug [1]", 128)
    assert whole == examples.Example([*prompt, *response, 0], len(response) + 1)
    cut = encode("PAGE: link OBJECTIVE: mug", "mug [1]", len(response) + 4)
    assert cut == examples.Example([*prompt[-3:], *response, 0], len(response) + 1)
    assert encode("PAGE", "mug [1]", len(response) + 1) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"prompt": "x", "response": "y", "split": "validation"}], "no training row"),
        ([{"prompt": "x", "response": "y"}], "lacks the columns split"),
        ([{"prompt": "x", "response": "y", "split": "test"}], "split 'test'"),
    ],
)
def test_a_dataset_that_cannot_be_learnt_is_named(make_job, content, words):
    with pytest.raises(InvalidArgument, match=words):
        finetuning.run(make_job(content), never)


def test_a_file_that_is_no_dataset_is_named(make_job):
    directory = make_job()
    (directory / "dataset.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InvalidArgument, match="not a Parquet file"):
        finetuning.run(directory, never)


def test_a_step_too_large_for_the_memory_is_named(make_job):
    directory = make_job(rank=10**12)
    with pytest.raises(RatchetError, match="out of memory") as caught:
        finetuning.run(directory, never)
    assert caught.value.reason == "OUT_OF_MEMORY"
