"""An evaluation outside of an iteration: one policy, one split, one world."""

from __future__ import annotations

from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
from services.orchestrator import comparison, episodes, scores, trajectories
from services.orchestrator.episodes import Job, Plan, Progress
from services.orchestrator.services import Services

STEP = "evaluate"


async def run(services: Services, running: Evaluation, holder: str) -> None:
    """Runs the episodes that have no result yet, then scores them."""
    spec = running.spec
    suite = await services.suites.named(spec.suite)
    policy = await services.policies.get(spec.policy)
    if spec.task_ids:
        tasks = await suite.find(spec.split, spec.world_seed, list(spec.task_ids))
    else:
        tasks = await suite.tasks(spec.split, spec.world_seed, spec.num_tasks)
    job = Job(
        run=running.name,
        suite=spec.suite,
        environment=suite.environment,
        plans=[Plan(STEP, spec.split, task, policy, 0, spec.temperature, spec.votes) for task in tasks],
        max_steps=spec.max_steps,
        parallel=spec.parallel_episodes or services.settings.parallel_episodes,
        seed=spec.seed,
        screenshots=spec.screenshots,
        constrained=spec.constrained,
    )

    async def report(progress: Progress) -> None:
        running.num_done, running.num_total = progress.done + progress.lost, progress.total
        running.num_lost_episodes = progress.lost
        await services.registry.put(running, active=True, holder=holder)

    await episodes.run(services, job, report)
    rewards = await trajectories.rewards(services.stubs.store, running.name, STEP, spec.split)
    report_ = await comparison.compare(
        services.stubs.scoring, spec.split, spec.world_seed, {policy.name: rewards}, policy.name, spec.seed
    )
    running.report.CopyFrom(report_)
    scores.show_evaluation(running)
