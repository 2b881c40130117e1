"""Running the episodes of a phase, many at a time, each to exactly one result.

Invariant: an episode that has a SUCCEEDED trajectory in the store is never run again; one whose machinery failed
is tried again as a new attempt; one that fails every time is reported as lost, not as unsolved.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from ratchet.orchestrator.v1.policy_service_pb2 import Policy
from ratchet.rollout.v1 import rollout_service_pb2 as pb
from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory
from services.common import telemetry
from services.common.database import DatabaseUnavailable, StorageFailed
from services.common.errors import FailedPrecondition, InvalidArgument, RatchetError, ResourceExhausted, Unavailable
from services.orchestrator import metrics, trajectories
from services.orchestrator.ports import SuiteTask
from services.orchestrator.services import Services

_BACKOFF_S = (0.2, 1.0, 3.0)
DEFAULT_MAX_STEPS = 30


class EpisodesLost(FailedPrecondition):
    """Too many episodes have no result because the machinery failed again and again."""

    reason = "EPISODES_LOST"


@dataclass(frozen=True)
class Plan:
    """One episode to run."""

    phase: str
    split: str
    task: SuiteTask
    policy: Policy
    # Distinguishes several attempts that are wanted at one task.
    sample: int = 0
    temperature: float = 0.0
    votes: int = 1

    @property
    def id(self) -> str:
        """Stable and readable, unique within the run."""
        return f"{self.phase}.{self.split}.{self.task.id}.{self.sample}"


@dataclass(frozen=True)
class Job:
    """The episodes of a phase and how they are run."""

    # iterations/{i} or evaluations/{v}
    run: str
    suite: str
    environment: str
    plans: list[Plan]
    max_steps: int
    parallel: int
    seed: int
    screenshots: bool
    # Whether the model can write nothing but well-formed actions.
    constrained: bool


@dataclass
class Progress:
    """Counts so far, those found in the store included."""

    total: int
    done: int = 0
    solved: float = 0.0
    lost: int = 0
    failed_attempts: int = 0
    # This process's own, for the rate.
    num_here: int = 0
    started: float = 0.0

    def remaining_s(self) -> float:
        """Time left at the rate so far; 0 when there is no rate yet."""
        if not self.num_here:
            return 0.0
        return (time.monotonic() - self.started) / self.num_here * (self.total - self.done - self.lost)


Report = Callable[[Progress], Awaitable[None]]


async def run(services: Services, job: Job, report: Report) -> Progress:
    """Run what has no result yet.

    Raises EpisodesLost, InvalidArgument for a task that cannot be run at all, StorageFailed for a full disk,
    DatabaseUnavailable.
    """
    progress = Progress(total=len(job.plans), started=time.monotonic())
    attempts: dict[str, int] = {}
    finished: dict[str, float] = {}
    async for trajectory in trajectories.of_run(services.stubs.store, job.run):
        episode = trajectory.episode.rpartition("/")[2]
        attempts[episode] = max(attempts.get(episode, 0), trajectory.attempt)
        if trajectory.state == Trajectory.STATE_SUCCEEDED:
            finished[episode] = trajectory.reward
    pending = [plan for plan in job.plans if plan.id not in finished]
    progress.done = len(job.plans) - len(pending)
    progress.solved = sum(finished[plan.id] for plan in job.plans if plan.id in finished)
    await report(progress)
    await _run_pending(services, job, pending, attempts, progress, report)
    if progress.lost > services.settings.max_lost_share * progress.total:
        raise EpisodesLost(
            f"{progress.lost} of {progress.total} episodes have no result after {services.settings.max_attempts} "
            "attempts each; the reasons are with `ratchet trajectories list --outcome failed`. "
            "Mend the cause, then `ratchet iterations resume`",
            lost=progress.lost,
        )
    return progress


async def _run_pending(
    services: Services,
    job: Job,
    pending: list[Plan],
    attempts: dict[str, int],
    progress: Progress,
    report: Report,
) -> None:
    queue = iter(pending)

    async def worker() -> None:
        for plan in queue:
            metrics.QUEUED.dec()
            reward = await _run_one(services, job, plan, attempts.get(plan.id, 0) + 1, progress)
            if reward is None:
                progress.lost += 1
                metrics.EPISODES.labels(job.suite, plan.split, plan.phase, "lost").inc()
            else:
                progress.done, progress.solved = progress.done + 1, progress.solved + reward
            progress.num_here += 1
            await report(progress)

    metrics.QUEUED.inc(len(pending))
    for split, phase in {(plan.split, plan.phase) for plan in pending}:
        for outcome in metrics.OUTCOMES:
            metrics.EPISODES.labels(job.suite, split, phase, outcome)
    try:
        async with asyncio.TaskGroup() as group:
            for index in range(min(job.parallel, len(pending))):
                group.create_task(worker(), name=f"episodes-{index}")
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    finally:
        metrics.QUEUED.dec(sum(1 for _plan in queue))


async def _run_one(services: Services, job: Job, plan: Plan, first: int, progress: Progress) -> float | None:
    """The episode's reward, or None when every attempt failed."""
    structlog.contextvars.bind_contextvars(run=job.run, episode=plan.id)
    attempt, spent, waited, away_since = first, 0, 0, 0.0
    while spent < services.settings.max_attempts:
        try:
            agent = await services.policies.ready(plan.policy)
            return await _attempt(services, job, plan, agent, attempt)
        except (InvalidArgument, StorageFailed, DatabaseUnavailable):
            raise  # another attempt would meet the same
        except ResourceExhausted:
            await asyncio.sleep(_BACKOFF_S[min(waited, len(_BACKOFF_S) - 1)])
            waited += 1
        except RatchetError as error:
            progress.failed_attempts += 1
            metrics.FAILED_ATTEMPTS.labels(error.reason).inc()
            telemetry.log().warning("attempt failed", attempt=attempt, reason=error.reason, cause=error.message)
            # A pod that is replaced is no fault of the episode's.
            away_since = (away_since or time.monotonic()) if isinstance(error, Unavailable) else 0.0
            if not away_since or time.monotonic() - away_since > services.settings.room_wait_s:
                spent += 1
            await asyncio.sleep(_BACKOFF_S[min(attempt - first, len(_BACKOFF_S) - 1)])
            attempt += 1
    return None


async def _attempt(services: Services, job: Job, plan: Plan, agent: pb.Agent, attempt: int) -> float:
    agent.temperature, agent.votes, agent.constrained = plan.temperature, plan.votes, job.constrained
    request = pb.RunEpisodeRequest(
        episode=f"{job.run}/episodes/{plan.id}",
        attempt=attempt,
        environment=job.environment,
        world=plan.task.world,
        task_json=plan.task.json,
        agent=agent,
        policy=plan.policy.name,
        suite=job.suite,
        split=plan.split,
        phase=plan.phase,
        max_steps=job.max_steps or DEFAULT_MAX_STEPS,
        seed=job.seed,
        screenshots=job.screenshots,
    )
    reward = 0.0
    async for event in services.stubs.rollout.RunEpisode(request, timeout=services.settings.episode_timeout_s):
        if event.HasField("finished"):
            reward = event.finished.reward
            metrics.EPISODES.labels(job.suite, plan.split, plan.phase, "solved" if reward >= 1 else "unsolved").inc()
    return reward
