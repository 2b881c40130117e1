"""Evaluate: base, candidate and the trivial agent on the same held-out tasks, side by side."""

from __future__ import annotations

from collections import defaultdict

from ratchet.orchestrator.v1.iteration_service_pb2 import TimeBreakdown
from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory
from services.orchestrator import comparison, episodes, policies, scores, trajectories
from services.orchestrator.episodes import Job, Plan
from services.orchestrator.turn import Turn

# How the phases of greedy measurements begin, here and in evaluations.
MEASURING = "evaluate"
ROLES = {"base": "evaluate-base", "candidate": "evaluate-candidate", "trivial": "evaluate-trivial"}


async def run(turn: Turn) -> None:
    """Episodes of all policies are interleaved, so that a slow machine is slow for each of them."""
    spec, services = turn.spec, turn.services
    suite = await services.suites.named(spec.suite)
    names = {"base": turn.iteration.base_policy, "candidate": turn.iteration.candidate_policy}
    roles = {**{role: name for role, name in names.items() if name}, "trivial": policies.TRIVIAL}
    acting = {role: await services.policies.get(name) for role, name in roles.items()}
    held_out = {"heldout-instances": spec.num_eval_tasks, "heldout-templates": spec.num_template_tasks}
    tasks = {split: await suite.tasks(split, spec.eval_world_seed, count) for split, count in held_out.items()}
    if spec.num_train_eval_tasks:
        tasks["train"] = await suite.tasks("train", spec.train_world_seed, spec.num_train_eval_tasks)
    measured = await _measured(turn, list(roles.values()))
    plans = [
        Plan(ROLES[role], split, task, policy)
        for split, of_split in tasks.items()
        for task in of_split
        for role, policy in acting.items()
        if task.key not in measured[split, policy.name]
    ]
    job = Job(
        run=turn.iteration.name,
        suite=spec.suite,
        environment=suite.environment,
        plans=plans,
        max_steps=spec.max_steps,
        parallel=spec.parallel_episodes or services.settings.parallel_episodes,
        seed=spec.seed,
        screenshots=spec.screenshots,
        constrained=spec.constrained,
    )
    await episodes.run(services, job, turn.report_episodes)
    del turn.iteration.reports[:]
    for split, of_split in tasks.items():
        wanted = {task.key for task in of_split}
        rewards = {}
        for role, name in roles.items():
            here = await trajectories.rewards(services.stubs.store, turn.iteration.name, ROLES[role], split)
            known = {**measured[split, name], **here}
            rewards[name] = {key: reward for key, reward in known.items() if key in wanted}
        world_seed = spec.train_world_seed if split == "train" else spec.eval_world_seed
        report = await comparison.compare(
            services.stubs.scoring, split, world_seed, rewards, turn.iteration.base_policy, spec.seed
        )
        turn.iteration.reports.append(report)
    scores.show_iteration(turn.iteration)
    await _count(turn)


async def _measured(turn: Turn, names: list[str]) -> defaultdict[tuple[str, str], dict[str, float]]:
    """(split, policy) -> reward by task key, as other runs measured them greedily."""
    found: defaultdict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for run_ in turn.spec.measured_by:
        async for trajectory in trajectories.of_run(turn.services.stubs.store, run_, state=Trajectory.STATE_SUCCEEDED):
            if trajectory.phase.startswith(MEASURING) and trajectory.policy in names:
                key = trajectories.task_key(trajectory)
                found[trajectory.split, trajectory.policy][key] = trajectory.reward
    return found


async def _count(turn: Turn) -> None:
    """Count episodes and add up where their time went."""
    iteration, time = turn.iteration, TimeBreakdown(training_s=turn.iteration.time.training_s)
    finished: set[str] = set()
    failed = 0
    async for trajectory in trajectories.of_run(turn.services.stubs.store, iteration.name):
        if trajectory.error:
            failed += 1
            continue
        finished.add(trajectory.episode)
        timings = trajectory.timings
        page_s = timings.setup_s + timings.observe_s + timings.act_s + timings.evaluate_s
        time.model_s += timings.model_call_s
        time.page_s += page_s
        time.store_s += timings.store_s
        time.ours_s += max(0.0, timings.total_s - timings.model_call_s - page_s - timings.store_s)
    time.wall_s = sum(phase.elapsed_s for phase in iteration.phases)
    iteration.time.CopyFrom(time)
    iteration.num_episodes, iteration.num_failed_attempts = len(finished), failed
    wanted = sum(phase.num_total for phase in iteration.phases if phase.phase in ("collect", "evaluate"))
    iteration.num_lost_episodes = max(0, wanted - len(finished))
