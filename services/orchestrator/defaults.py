"""What is taken where a request does not say, and what a request may say.

The numbers for training fit the tiny policy; for a real model the paper's are r = 8, alpha = 8, lr = 1e-5.
"""

from __future__ import annotations

from ratchet.orchestrator.v1.evaluation_service_pb2 import EvaluationSpec
from ratchet.orchestrator.v1.iteration_service_pb2 import IterationSpec
from services.common.errors import InvalidArgument
from services.orchestrator.ports import UnknownSplit
from services.orchestrator.services import Services

SUITE = "arena"
SPLIT = "heldout-instances"
# Several greedy attempts at a task would all be the same.
SAMPLING_TEMPERATURE = 1.0
_ITERATION: dict[str, object] = {
    "suite": SUITE,
    "train_world_seed": 1,
    "eval_world_seed": 1,
    "attempts_per_task": 1,
    "max_steps": 30,
    "mixture": "A",
    "rows": "paper",
    "lora_rank": 16,
    "lora_alpha": 32,
    "learning_rate": 1e-3,
    "batch_size": 16,
    "max_epochs": 10,
    "patience": 5,
    "seed": 42,
    "rounds": 1,
}
_EVALUATION: dict[str, object] = {"suite": SUITE, "split": SPLIT, "world_seed": 1, "max_steps": 30, "seed": 42}
_ROWS = ("paper", "all")


async def iteration(services: Services, asked: IterationSpec) -> IterationSpec:
    """The whole spec. Raises InvalidArgument, UnknownSuite or UnknownPolicy for what cannot be run."""
    spec = IterationSpec()
    spec.CopyFrom(asked)
    for field, value in _ITERATION.items():
        if not getattr(spec, field):
            setattr(spec, field, value)
    if spec.rows not in _ROWS:
        raise InvalidArgument(f"rows is {spec.rows!r}; choose {' or '.join(_ROWS)}")
    if spec.attempts_per_task > 1 and not spec.temperature:
        spec.temperature = SAMPLING_TEMPERATURE
    for name in ("num_train_tasks", "num_eval_tasks", "attempts_per_task", "max_steps", "rounds", "max_epochs"):
        if getattr(spec, name) < 0:
            raise InvalidArgument(f"{name} must not be negative")
    if not 0 <= spec.temperature <= 2:
        raise InvalidArgument(f"temperature is {spec.temperature}; it must be from 0 to 2")
    await services.suites.named(spec.suite)
    policy = await services.policies.get(spec.policy)
    if policy.kind != "model":
        raise InvalidArgument(f"{policy.name} has no weights to train; improve a model policy, e.g. policies/base")
    return spec


async def evaluation(services: Services, asked: EvaluationSpec) -> EvaluationSpec:
    """The whole spec. Raises UnknownSuite, UnknownSplit, UnknownPolicy, UnknownTask."""
    spec = EvaluationSpec()
    spec.CopyFrom(asked)
    for field, value in _EVALUATION.items():
        if not getattr(spec, field):
            setattr(spec, field, value)
    suite = await services.suites.named(spec.suite)
    if spec.split not in suite.splits:
        raise UnknownSplit(f"the suite {spec.suite} has no split {spec.split!r}; it has {', '.join(suite.splits)}")
    if spec.task_ids:
        await suite.find(spec.split, spec.world_seed, list(spec.task_ids))
    spec.policy = (await services.policies.get(spec.policy)).name
    return spec
