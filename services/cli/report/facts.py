"""What a report is made of, asked from the rooms.

Invariant: every evaluated attempt is there; collected ones up to a bound, spread over how they were judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, zip_longest

from ratchet.orchestrator.v1 import iteration_service_pb2 as iteration_pb
from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from ratchet.training.v1 import training_service_pb2 as training_pb
from ratchet.training.v1.training_service_pb2 import TrainingJob
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from ratchet.trajectory.v1.trajectory_service_pb2 import Dataset, Trajectory
from services.cli import client

COLLECT = "collect"
_FILTER_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Facts:
    """An iteration and what it refers to; `job` and `dataset` are None where it made none."""

    iteration: Iteration
    trajectories: list[Trajectory]
    job: TrainingJob | None = None
    dataset: Dataset | None = None
    # Trajectory name -> rules that it broke; a trajectory that the filter kept has none.
    broken_rules: dict[str, list[str]] = field(default_factory=dict)
    num_collected: int = 0
    # Screenshot's blob name -> JPEG.
    images: dict[str, bytes] = field(default_factory=dict)
    num_images_left_out: int = 0


async def gather(rooms: client.Rooms, name: str, num_collected: int) -> Facts:
    """All but the images. NotFound for an unknown iteration."""
    reply = await rooms.iterations.GetIteration(iteration_pb.GetIterationRequest(name=name))
    iteration = reply.iteration
    verdicts = await _verdicts(rooms, iteration)
    heads = await _heads(rooms, name)
    collected = [item for item in heads if item.phase == COLLECT]
    chosen = spread(collected, verdicts, num_collected)
    evaluated = await _with_steps(rooms, name, {item.phase for item in heads} - {COLLECT})
    return Facts(
        iteration=iteration,
        trajectories=[*evaluated, *[await _one(rooms, item.name) for item in chosen]],
        job=await _job(rooms, iteration.training_job),
        dataset=await _dataset(rooms, iteration.dataset),
        broken_rules=verdicts,
        num_collected=len(collected),
    )


def spread(items: Iterable[Trajectory], broken_rules: dict[str, list[str]], limit: int) -> list[Trajectory]:
    """Up to `limit` of them, in turn from each kind: kept or dropped by the filter, solved or not."""
    kinds: dict[tuple[bool, bool, int], list[Trajectory]] = defaultdict(list)
    for item in items:
        kinds[(not broken_rules.get(item.name), item.reward >= 1, item.state)].append(item)
    turns = chain.from_iterable(zip_longest(*kinds.values()))
    return [item for item in turns if item is not None][:limit]


async def _heads(rooms: client.Rooms, name: str) -> list[Trajectory]:
    request = trajectory_pb.ListTrajectoriesRequest(parent=name, page_size=client.PAGE)
    return [item async for item in client.paged(rooms.trajectories.ListTrajectories, request, "trajectories")]


async def _with_steps(rooms: client.Rooms, name: str, phases: set[str]) -> list[Trajectory]:
    found: list[Trajectory] = []
    for phase in sorted(phases):
        request = trajectory_pb.ListTrajectoriesRequest(
            parent=name, phase=phase, with_steps=True, page_size=client.PAGE
        )
        listed = client.paged(rooms.trajectories.ListTrajectories, request, "trajectories")
        found += [item async for item in listed]
    return found


async def _one(rooms: client.Rooms, name: str) -> Trajectory:
    request = trajectory_pb.GetTrajectoryRequest(name=name)
    return (await rooms.trajectories.GetTrajectory(request)).trajectory


async def _job(rooms: client.Rooms, name: str) -> TrainingJob | None:
    if not name:
        return None
    return (await rooms.training.GetTrainingJob(training_pb.GetTrainingJobRequest(name=name))).training_job


async def _dataset(rooms: client.Rooms, name: str) -> Dataset | None:
    if not name:
        return None
    return (await rooms.trajectories.GetDataset(trajectory_pb.GetDatasetRequest(name=name))).dataset


async def _verdicts(rooms: client.Rooms, iteration: Iteration) -> dict[str, list[str]]:
    if not iteration.filter.num_trajectories:
        return {}
    request = scoring_pb.FilterTrajectoriesRequest(parents=[iteration.name], phase=COLLECT)
    reply = await rooms.scoring.FilterTrajectories(request, timeout=_FILTER_TIMEOUT_S)
    return {verdict.trajectory: list(verdict.broken_rules) for verdict in reply.verdicts}
