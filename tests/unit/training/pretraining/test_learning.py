"""Packing, initialisation and the training loop, on made-up demonstrations."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from services.common.errors import InvalidArgument
from services.training.pretraining import (
    architecture,
    checkpoints,
    encoding,
    evaluation,
    initialisation,
    packing,
    synthetic,
    vocabulary,
)
from services.training.pretraining.architecture import Shape
from services.training.pretraining.demonstrations import Demonstration
from services.training.pretraining.lookups import Query
from services.training.pretraining.sampling import query_of
from services.training.pretraining.settings import PretrainingSettings
from services.training.pretraining.trainer import Trainer

SHAPE = Shape(num_layers=2)


@pytest.fixture(scope="module")
def steps() -> list[Demonstration]:
    return [step for world in range(6) for step in synthetic.demonstrations(world, 12)]


@pytest.fixture(scope="module")
def tokenizer(steps: list[Demonstration]) -> PreTrainedTokenizerFast:
    return vocabulary.build((step.world, step.prompt + step.response) for step in steps)


@pytest.fixture(scope="module")
def structured(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    model = architecture.create(SHAPE, tokenizer)
    initialisation.structured(model, tokenizer, seed=0)
    return model.eval()


def test_a_packed_question_sees_what_it_sees_alone(
    structured: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: list[Demonstration]
) -> None:
    encoder = encoding.Encoder(tokenizer, 800)
    page = encoder.page(steps[0].page)
    segments = [encoder.segment(query_of(step), ends=True) for step in steps[:3]]
    batch = packing.collate([packing.pack(page, segments, ["demo"])], 0)
    with torch.no_grad():
        packed = structured(
            input_ids=batch.tokens, position_ids=batch.positions, attention_mask=batch.mask.float(), use_cache=False
        ).logits[0]
        for number, segment in enumerate(segments, 1):
            alone = torch.tensor([*page, *segment.given, *segment.answer])[None]
            wanted = structured(input_ids=alone, use_cache=False).logits[0][-len(segment.answer) - 1 : -1]
            found = packed[(batch.parts[0] == number) & (batch.skills[0] >= 0)]
            torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-3)


def test_the_structured_initialisation_looks_up_ids_before_any_training(
    structured: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    world = synthetic.World(50)
    names = [f"{world.word()} {world.word()}" for _ in range(20)]
    encoder = encoding.Encoder(tokenizer, 800)
    page = encoder.page("\n".join(f"[{300 + n}] link '{name}'" for n, name in enumerate(names)))
    queries = [Query(f"\nNEXT:\n{name} ", f"[{300 + n}]", "demo") for n, name in enumerate(names)]
    segments = [encoder.segment(query, ends=False) for query in queries]
    batch = packing.collate([packing.pack(page, segments, ["demo"])], 0)
    with torch.no_grad():
        logits = structured(
            input_ids=batch.tokens, position_ids=batch.positions, attention_mask=batch.mask.float(), use_cache=False
        ).logits[batch.skills >= 0]
    ids = torch.tensor(tokenizer.convert_tokens_to_ids([f"[{n}]" for n in range(vocabulary.NUM_IDS)]))
    right = int((logits[:, ids].argmax(-1) == torch.arange(300, 320)).sum())
    # One in a thousand by chance, one in twenty among the ids on the page.
    assert right >= 12


def test_training_learns_and_an_interrupted_run_makes_the_same_steps(
    tokenizer: PreTrainedTokenizerFast, steps: list[Demonstration], tmp_path: Path
) -> None:
    settings = PretrainingSettings(num_steps=20, shape=SHAPE, threads=1, batch_tokens=512, warmup_steps=2)

    def trainer(work: Path) -> Trainer:
        return Trainer(settings, tokenizer, steps[:-24], steps[-24:], work)

    straight = trainer(tmp_path / "straight")
    losses = [straight.advance() for _ in range(20)]
    assert sum(losses[-5:]) < 0.75 * sum(losses[:5])
    first = trainer(tmp_path / "broken")
    assert [first.advance() for _ in range(4)] == losses[:4]
    first.save()
    second = trainer(tmp_path / "broken")
    second.resume()
    assert [second.advance() for _ in range(3)] == losses[4:7]


def test_training_goes_on_from_a_given_model_on_whole_pages(
    tokenizer: PreTrainedTokenizerFast, steps: list[Demonstration], tmp_path: Path
) -> None:
    settings = PretrainingSettings(num_steps=12, shape=SHAPE, threads=1, batch_tokens=512, warmup_steps=2)
    expert = Trainer(settings, tokenizer, steps, [], tmp_path / "expert")
    losses = [expert.advance() for _ in range(12)]
    checkpoints.publish(expert.model, tokenizer, tmp_path / "published")
    model, reread = checkpoints.load(tmp_path / "published")
    start = {name: weights.clone() for name, weights in model.state_dict().items()}
    on = Trainer(settings, reread, steps, [], tmp_path / "on", model)
    assert on.curriculum.whole
    assert all(torch.equal(on.model.state_dict()[name], start[name]) for name in start)
    assert on.advance() < 0.75 * losses[0]


def test_a_checkpoint_of_another_shape_is_refused(
    tokenizer: PreTrainedTokenizerFast, steps: list[Demonstration], tmp_path: Path
) -> None:
    small = PretrainingSettings(num_steps=1, shape=SHAPE, threads=1)
    Trainer(small, tokenizer, steps, [], tmp_path).save()
    large = small.model_copy(update={"shape": Shape(num_layers=3)})
    with pytest.raises(InvalidArgument, match="another shape"):
        Trainer(large, tokenizer, steps, [], tmp_path).resume()


def test_a_published_checkpoint_is_an_ordinary_one_and_scores_the_same(
    structured: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: list[Demonstration], tmp_path: Path
) -> None:
    checkpoints.publish(structured, tokenizer, tmp_path)
    model, reread = checkpoints.load(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} >= {"model.safetensors", "tokenizer.json", "ratchet.json"}
    before = evaluation.measure(structured, encoding.Encoder(tokenizer, 800), steps[:20], seed=1)
    after = evaluation.measure(model, encoding.Encoder(reread, 800), steps[:20], seed=1)
    assert (before.steps.of, before.episodes.of) == (after.steps.of, after.episodes.of) == (20, 10)
    torch.testing.assert_close(
        model.model.embed_tokens.weight, structured.model.embed_tokens.weight, atol=2e-2, rtol=1e-2
    )
    with pytest.raises(InvalidArgument, match="holds no checkpoint"):
        checkpoints.load(tmp_path / "none")
