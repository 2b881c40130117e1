"""Each method's result, loaded by PEFT or transformers without anything of Ratchet's."""

import hashlib
import importlib.util
import itertools
import json
import tarfile

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from ratchet.serving.v1 import serving_service_pb2 as serving
from ratchet.serving.v1 import serving_service_pb2_grpc as serving_grpc
from services.common.rpc import dial, serve
from services.host.rooms import serving as serving_room
from services.training.adapters import finetuning
from services.training.methods import MethodUnavailable


def never():
    return False


def reported(directory):
    lines = [json.loads(line) for line in (directory / "progress.jsonl").read_text().splitlines()]
    ends = [line["validation_perplexity"] for line in lines[1:] if line["validation_perplexity"]]
    return lines[0]["initial_validation_perplexity"], min(ends)


def by_itself(model, tokenizer, rows):
    """Validation perplexity of a model as any user would load it, a row at a time."""
    total, count = 0.0, 0
    for row in rows:
        if row["split"] == "validation":
            prompt = tokenizer(row["prompt"]).input_ids
            response = [*tokenizer(row["response"]).input_ids, tokenizer.eos_token_id]
            ids = torch.tensor([prompt + response])
            with torch.no_grad():
                total += (
                    model.eval()(input_ids=ids)
                    .logits[0, len(prompt) - 1 : -1]
                    .log_softmax(-1)[torch.arange(len(response)), torch.tensor(response)]
                    .sum()
                    .item()
                )
            count += len(response)
    return torch.tensor(-total / count).exp().item()


def test_dora_learns_magnitudes_and_plain_peft_gives_its_logits(make_job, base, sample):
    directory = make_job(method="dora", max_epochs=2)
    assert finetuning.run(directory, never)
    names = load_file(directory / "adapter" / "adapter_model.safetensors").keys()
    assert any("lora_magnitude_vector" in name for name in names)
    before, after = reported(directory)
    assert after < before / 2
    tuned = PeftModel.from_pretrained(Qwen2ForCausalLM.from_pretrained(base), directory / "adapter")
    assert by_itself(tuned, PreTrainedTokenizerFast.from_pretrained(base), sample(40)) == pytest.approx(after, rel=1e-3)


async def test_a_full_fine_tune_resumes_and_is_a_base_that_serving_loads(make_job, base, sample, tmp_path):
    whole, interrupted = (make_job(method="full", learning_rate=3e-3, max_epochs=2) for _ in range(2))
    assert finetuning.run(whole, never)
    asked = itertools.count()
    assert not finetuning.run(interrupted, lambda: next(asked) >= 4)
    assert finetuning.run(interrupted, never)
    assert (interrupted / "model.tar").read_bytes() == (whole / "model.tar").read_bytes()
    before, after = reported(whole)
    assert after < before / 2
    model, tokenizer = (kind.from_pretrained(whole / "model") for kind in (Qwen2ForCausalLM, PreTrainedTokenizerFast))
    assert by_itself(model, tokenizer, sample(40)) == pytest.approx(after, rel=1e-3)

    with tarfile.open(whole / "model.tar") as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    nowhere = dial(f"unix:{tmp_path}/nowhere.sock")
    mounts = serving_room.open_room({"model": str(tmp_path / "unpacked")}, lambda _: nowhere, tmp_path)
    async with mounts as served, serve(served, f"unix:{tmp_path}/serving.sock") as address:
        channel = dial(address)
        row = next(row for row in sample(40) if row["split"] == "train")
        part = serving.PromptPart(role="user", text=row["prompt"])
        request = serving.GenerateRequest(parts=[part], max_new_tokens=8)
        answer = await serving_grpc.ServingServiceStub(channel).Generate(request)
        ids = model.generate(
            torch.tensor([tokenizer(row["prompt"]).input_ids]), max_new_tokens=8, do_sample=False, pad_token_id=0
        )[0, len(tokenizer(row["prompt"]).input_ids) :]
        assert answer.text == tokenizer.decode(ids, skip_special_tokens=True)
        await channel.close()
    await nowhere.close()


def test_qlora_learns_on_a_base_in_four_bits_or_says_what_it_needs(make_job, base, sample):
    directory = make_job(method="qlora", max_epochs=2)
    if importlib.util.find_spec("bitsandbytes") is None:
        with pytest.raises(MethodUnavailable, match=r"bitsandbytes.*pip install 'ratchet-agent\[qlora\]'"):
            finetuning.run(directory, never)
        return
    assert finetuning.run(directory, never)
    before, after = reported(directory)
    assert after < before / 2
    tokenizer = PreTrainedTokenizerFast.from_pretrained(base)
    plain = Qwen2ForCausalLM.from_pretrained(base)
    # Four bits are not the base: neither is its perplexity.
    assert by_itself(plain, tokenizer, sample(40)) != pytest.approx(before, rel=1e-3)
    tuned = PeftModel.from_pretrained(plain, directory / "adapter")
    assert by_itself(tuned, tokenizer, sample(40)) < before / 2


def test_the_card_tells_base_data_method_seed_and_figures(undisturbed):
    card = (undisturbed / "adapter" / "README.md").read_text()
    digest = hashlib.sha256((undisturbed / "dataset.parquet").read_bytes()).hexdigest()
    _, after = reported(undisturbed)
    for words in ("base_model: little", digest, "LoRA of rank 4, alpha 8", "| seed | 7 |", f"after | {after:.6g} |"):
        assert words in card
