"""What an iteration is trained with: asked of a real training room before the first episode."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from services.common import rpc
from services.common.errors import FailedPrecondition, InvalidArgument
from services.host.main import host

_TINY = pb.IterationSpec(
    training_preset="tiny",
    training_method="lora",
    lora_rank=16,
    lora_alpha=32,
    learning_rate=1e-3,
    batch_size=16,
    max_epochs=10,
    patience=5,
)


@pytest.fixture
async def iterations(tmp_path: Path) -> AsyncIterator[IterationServiceStub]:
    """Of a host without browsers; its training would take two processes."""
    tables = {"training": {"processes": 2}}
    async with host(tmp_path, tables, ["trajectory", "serving", "training", "orchestrator"]) as addresses:
        channel = rpc.dial(addresses.address("orchestrator"))
        yield IterationServiceStub(channel)
        await channel.close()


async def test_an_iteration_shows_the_presets_numbers_and_what_cannot_be_trained_is_refused(
    iterations: IterationServiceStub,
) -> None:
    async def made(**fields: object) -> pb.IterationSpec:
        spec = pb.IterationSpec(num_train_tasks=1, **fields)
        created = (await iterations.CreateIteration(pb.CreateIterationRequest(spec=spec))).iteration
        await iterations.CancelIteration(pb.CancelIterationRequest(name=created.name))
        return created.spec

    async def numbers(**fields: object) -> pb.IterationSpec:
        found = await made(**fields)
        return pb.IterationSpec(**{field.name: getattr(found, field.name) for field, _ in _TINY.ListFields()})

    for fields, error, words in (
        ({"training_preset": "papers"}, InvalidArgument, "no preset 'papers'; use paper, standard, tiny"),
        ({"training_method": "full"}, InvalidArgument, "training_method is 'full'; choose lora, qlora, dora"),
        ({"training_preset": "paper"}, FailedPrecondition, "qlora runs in one process"),
        ({"learning_rate": -1.0}, InvalidArgument, r"learning_rate is -1\.0"),
    ):
        with pytest.raises(error, match=words):
            await made(**fields)
    assert not (await iterations.ListIterations(pb.ListIterationsRequest())).iterations

    assert await numbers() == _TINY
    dora = pb.IterationSpec()
    dora.CopyFrom(_TINY)
    dora.training_method, dora.max_epochs = "dora", 2
    assert await numbers(training_method="dora", max_epochs=2) == dora
    paper = await numbers(training_preset="paper", training_method="lora")
    assert (paper.lora_rank, paper.lora_alpha, paper.learning_rate, paper.max_epochs) == (8, 8, 1e-5, 20)
