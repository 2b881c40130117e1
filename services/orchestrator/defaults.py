"""What is taken where a request does not say, and what a request may say; for training, the training room says it."""

from __future__ import annotations

from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation, EvaluationSpec
from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration, IterationSpec
from services.common.errors import FailedPrecondition, InvalidArgument
from services.orchestrator import learning, strategies
from services.orchestrator.ports import UnknownSplit
from services.orchestrator.services import Services

SUITE = "arena"
SPLIT = "heldout-instances"
# Several greedy attempts at a task, or responses at a step, would all be the same.
SAMPLING_TEMPERATURE = 0.7
MAX_VOTES = 64
_ITERATION: dict[str, object] = {
    "suite": SUITE,
    "train_world_seed": 1,
    "eval_world_seed": 1,
    "max_steps": 30,
    "mixture": "A",
    "strategy": "paper",
    "seed": 42,
    "rounds": 1,
}
_EVALUATION: dict[str, object] = {"suite": SUITE, "split": SPLIT, "world_seed": 1, "max_steps": 30, "seed": 42}
_ROWS = ("paper", "all", "unsure")
_NOT_NEGATIVE = (
    "num_train_tasks",
    "num_eval_tasks",
    "num_template_tasks",
    "num_train_eval_tasks",
    "attempts_per_task",
    "votes",
    "max_steps",
    "rounds",
    "max_epochs",
)


async def iteration(services: Services, asked: IterationSpec) -> IterationSpec:
    """The whole spec. Raises InvalidArgument, UnknownSuite, UnknownPolicy, or what the training room says."""
    spec = IterationSpec()
    spec.CopyFrom(asked)
    strategy = strategies.named(spec.strategy)
    chosen = {"rows": strategy.rows, "attempts_per_task": strategy.attempts_per_task, "votes": strategy.votes}
    for field, value in {**_ITERATION, **chosen}.items():
        if not getattr(spec, field):
            setattr(spec, field, value)
    if spec.rows not in _ROWS:
        raise InvalidArgument(f"rows is {spec.rows!r}; choose {' or '.join(_ROWS)}")
    if max(spec.attempts_per_task, spec.votes) > 1 and not spec.temperature:
        spec.temperature = SAMPLING_TEMPERATURE
    if spec.votes > MAX_VOTES:
        raise InvalidArgument(f"votes is {spec.votes}; at most {MAX_VOTES}")
    for name in _NOT_NEGATIVE:
        if getattr(spec, name) < 0:
            raise InvalidArgument(f"{name} must not be negative")
    if not 0 <= spec.temperature <= 2:
        raise InvalidArgument(f"temperature is {spec.temperature}; it must be from 0 to 2")
    await services.suites.named(spec.suite)
    await _check_runs(services, spec)
    policy = await services.policies.get(spec.policy)
    if policy.kind != "model":
        raise InvalidArgument(f"{policy.name} has no weights to train; improve a model policy, e.g. policies/base")
    await learning.settle(services, spec, policy)
    return spec


async def _check_runs(services: Services, spec: IterationSpec) -> None:
    """Fill in the policy from the iteration that it follows; refuse runs that are not there or have not ended."""
    if spec.follows:
        before = await services.registry.get(Iteration, spec.follows)
        _check_has(before, "gate", "follows")
        spec.policy = spec.policy or before.candidate_policy or before.base_policy
    if spec.collected_by:
        source = await services.registry.get(Iteration, spec.collected_by)
        _check_has(source, "collect", "collected_by")
        if source.spec.suite != spec.suite:
            raise InvalidArgument(f"{source.name} tried the suite {source.spec.suite}, not {spec.suite}")
        spec.collected_by = source.spec.collected_by or source.name
    for run in spec.measured_by:
        measured: EvaluationSpec | IterationSpec
        if run.startswith("evaluations/"):
            measured = (await services.registry.get(Evaluation, run)).spec
            check_greedy(run, measured)
        else:
            measured = (await services.registry.get(Iteration, run)).spec
        if (measured.suite, measured.max_steps) != (spec.suite, spec.max_steps):
            raise InvalidArgument(
                f"{run} measured on {measured.suite} with {measured.max_steps} steps an episode, not on {spec.suite} "
                f"with {spec.max_steps}; leave it out of measured_by"
            )
        if measured.constrained != spec.constrained:
            raise InvalidArgument(f"{run} and this iteration differ in `constrained`; leave it out of measured_by")


def check_greedy(run: str, measured: EvaluationSpec) -> None:
    """Raise InvalidArgument for an evaluation that says nothing of the greedy policy."""
    if measured.votes > 1 or measured.temperature:
        raise InvalidArgument(
            f"{run} measured with votes = {max(1, measured.votes)} and temperature = {measured.temperature:g}, but "
            "policies are compared greedily; leave it out of measured_by"
        )


def _check_has(iteration: Iteration, phase: str, field: str) -> None:
    if not any(each.phase == phase and each.finished for each in iteration.phases):
        raise FailedPrecondition(
            f"{field} names {iteration.name}, whose phase {phase!r} has not ended; wait for it, or resume it",
            iteration=iteration.name,
        )


async def evaluation(services: Services, asked: EvaluationSpec) -> EvaluationSpec:
    """The whole spec. Raises UnknownSuite, UnknownSplit, UnknownPolicy, UnknownTask."""
    spec = EvaluationSpec()
    spec.CopyFrom(asked)
    for field, value in _EVALUATION.items():
        if not getattr(spec, field):
            setattr(spec, field, value)
    if not 0 <= spec.votes <= MAX_VOTES or not 0 <= spec.temperature <= 2:
        raise InvalidArgument(f"votes must be from 0 to {MAX_VOTES} and the temperature from 0 to 2")
    if spec.votes > 1 and not spec.temperature:
        spec.temperature = SAMPLING_TEMPERATURE
    suite = await services.suites.named(spec.suite)
    if spec.split not in suite.splits:
        raise UnknownSplit(f"the suite {spec.suite} has no split {spec.split!r}; it has {', '.join(suite.splits)}")
    if spec.task_ids:
        await suite.find(spec.split, spec.world_seed, list(spec.task_ids))
    spec.policy = (await services.policies.get(spec.policy)).name
    return spec
