"""What a specification leaves open."""

import pytest

from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.training import presets

Method = pb.TrainingSpec.Method


def test_an_empty_specification_is_the_papers():
    full = presets.complete(pb.TrainingSpec(base_model="m", dataset="d"), "paper", "webarena-cot")
    assert (full.lora.rank, full.lora.alpha, full.lora.dropout) == (8, 8, 0.0)
    assert (full.learning_rate, full.weight_decay, full.batch_size) == (1e-5, 0.01, 16)
    assert (full.patience, full.seed, full.base_model, full.dataset) == (5, 42, "m", "d")


def test_presets_are_taken_by_name_and_the_papers_is_qlora():
    paper = presets.complete(pb.TrainingSpec(preset="paper"), "tiny", "brief")
    assert (paper.method, paper.learning_rate, paper.preset) == (Method.METHOD_QLORA, 1e-5, "paper")
    assert presets.complete(pb.TrainingSpec(), "paper", "webarena-cot").method == Method.METHOD_LORA
    given = presets.complete(pb.TrainingSpec(preset="paper", method=Method.METHOD_DORA), "", "")
    assert given.method == Method.METHOD_DORA
    with pytest.raises(InvalidArgument, match=r"no preset 'papers'; use paper, standard, tiny"):
        presets.complete(pb.TrainingSpec(preset="papers"), "", "")


def test_full_fine_tuning_refuses_an_adapter_to_go_on_from():
    spec = pb.TrainingSpec(method=Method.METHOD_FULL, initial_adapter="a" * 64)
    with pytest.raises(InvalidArgument, match="initial_adapter"):
        presets.complete(spec, "tiny", "brief")


def test_a_model_with_brief_prompts_gets_the_tiny_numbers():
    full = presets.complete(pb.TrainingSpec(), "paper", "brief")
    assert full.learning_rate > 1e-4
    assert full.max_tokens == 1024
    assert (full.lora.rank, full.lora.alpha, full.batch_size, full.max_epochs, full.patience) == (16, 32, 16, 10, 5)


def test_what_is_given_stays():
    spec = pb.TrainingSpec(learning_rate=0.5, max_epochs=3, lora=pb.LoraConfig(rank=4), seed=9)
    full = presets.complete(spec, "tiny", "brief")
    assert (full.learning_rate, full.max_epochs, full.seed) == (0.5, 3, 9)
    assert (full.lora.rank, full.lora.alpha) == (4, 8)


@pytest.mark.parametrize("field", ["learning_rate", "batch_size", "max_epochs", "patience", "max_tokens"])
def test_a_number_out_of_bounds_is_named(field):
    with pytest.raises(InvalidArgument, match=field):
        presets.complete(pb.TrainingSpec(**{field: -1}), "paper", "")
