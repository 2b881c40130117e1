"""Collect: the policy tries the training tasks; nothing here looks at a reward."""

from __future__ import annotations

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from services.orchestrator import curriculum, episodes, strategies
from services.orchestrator.episodes import Job, Plan
from services.orchestrator.ports import SuiteSource, SuiteTask
from services.orchestrator.turn import Turn

PHASE = "collect"


def source(turn: Turn) -> str:
    """The run whose attempts are trained on."""
    return turn.spec.collected_by or turn.iteration.name


async def run(turn: Turn) -> None:
    """`attempts_per_task` attempts at each task; one is greedy, several are sampled. None where another run's serve."""
    spec, services = turn.spec, turn.services
    if spec.collected_by:
        await turn.report(0, 0, f"the attempts of {spec.collected_by}")
        return
    policy = await services.policies.get(turn.iteration.base_policy)
    suite = await services.suites.named(spec.suite)
    tasks = await _tasks(turn, suite)
    plans = [
        Plan(PHASE, "train", task, policy, sample, spec.temperature, spec.votes)
        for sample in range(spec.attempts_per_task)
        for task in tasks
    ]
    job = Job(
        run=turn.iteration.name,
        suite=spec.suite,
        environment=suite.environment,
        plans=plans,
        max_steps=spec.max_steps,
        parallel=spec.parallel_episodes or services.settings.parallel_episodes,
        # The same tasks are tried again in the next round, with other draws.
        seed=spec.seed + turn.iteration.round,
        screenshots=spec.screenshots,
        constrained=spec.constrained,
    )
    await episodes.run(services, job, turn.report_episodes)


async def _tasks(turn: Turn, suite: SuiteSource) -> list[SuiteTask]:
    spec = turn.spec
    before = turn.iteration.previous
    strategy = strategies.named(spec.strategy)
    if not (before and spec.num_train_tasks and strategy.curriculum):
        return await suite.tasks("train", spec.train_world_seed, spec.num_train_tasks)
    run = (await turn.services.registry.get(Iteration, before)).spec.collected_by or before
    candidates = await suite.tasks("train", spec.train_world_seed, curriculum.CANDIDATES * spec.num_train_tasks)
    doubt = await curriculum.doubts(turn.services, run, PHASE, strategy.filter)
    return curriculum.choose(candidates, doubt, spec.num_train_tasks)
