"""How a candidate is learnt: what an iteration asks of the training room, and the numbers that room settles on.

Invariant: what cannot be trained is refused before the first episode; an iteration shows the numbers that it runs with.
"""

from __future__ import annotations

from ratchet.orchestrator.v1.iteration_service_pb2 import IterationSpec
from ratchet.orchestrator.v1.policy_service_pb2 import Policy
from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.orchestrator import strategies
from services.orchestrator.services import Services

_Method = pb.TrainingSpec.Method
METHODS = {"lora": _Method.METHOD_LORA, "qlora": _Method.METHOD_QLORA, "dora": _Method.METHOD_DORA}


async def settle(services: Services, spec: IterationSpec, base: Policy) -> None:
    """Fill in what training will run with. Raises InvalidArgument, or what the training room says of the spec."""
    model = await services.policies.model()
    request = pb.CreateTrainingJobRequest(spec=asked(spec, model.name, base), validate_only=True)
    found = (await services.stubs.training.CreateTrainingJob(request)).training_job.spec
    spec.training_preset = found.preset
    spec.training_method = next(name for name, method in METHODS.items() if method == found.method)
    spec.lora_rank, spec.lora_alpha = found.lora.rank, found.lora.alpha
    spec.learning_rate, spec.batch_size = found.learning_rate, found.batch_size
    spec.max_epochs, spec.patience = found.max_epochs, found.patience


def asked(spec: IterationSpec, model: str, base: Policy) -> pb.TrainingSpec:
    """The training room's spec, its dataset left open. Raises InvalidArgument for a method that makes no policy."""
    if spec.training_method and spec.training_method not in METHODS:
        raise InvalidArgument(
            f"training_method is {spec.training_method!r}; choose {', '.join(METHODS)}, of which a policy can be made",
            field="training_method",
        )
    return pb.TrainingSpec(
        base_model=model,
        preset=spec.training_preset,
        method=METHODS.get(spec.training_method, _Method.METHOD_UNSPECIFIED),
        lora=pb.LoraConfig(rank=spec.lora_rank, alpha=spec.lora_alpha),
        learning_rate=spec.learning_rate,
        batch_size=spec.batch_size,
        max_epochs=spec.max_epochs,
        patience=spec.patience,
        seed=spec.seed,
        initial_adapter=base.adapter_blob if strategies.named(spec.strategy).continued else "",
    )
