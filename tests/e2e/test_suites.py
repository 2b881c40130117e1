"""Tasks of the arena's default suites through the real rooms: experts solve all, `stop [N/A]` the impossible.

Of the training split, whose templates are those of the held-out instances, every fourth task; RATCHET_SLOW=1 takes all.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb
from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.arena import suite
from services.arena.suite import SPLITS
from services.arena.world import Worlds
from services.common import rpc
from services.host.main import host
from services.orchestrator import trajectories

# An outright minimum; the sizes themselves are asserted against what the arena hands out.
MIN_TASKS, MIN_TEMPLATES = 480, 60


async def rewards(home: Path, policy: str, tasks: dict[str, list[str]]) -> dict[tuple[str, str], float]:
    """Rewards of a policy by split and task."""
    found = {}
    async with host(home, {"host": {"log_level": "warning"}}, []) as addresses:
        orchestrator, store = (rpc.dial(addresses.address(room)) for room in ("orchestrator", "trajectory"))
        stub = EvaluationServiceStub(orchestrator)
        for split, ids in tasks.items():
            spec = pb.EvaluationSpec(policy=policy, split=split, task_ids=ids, parallel_episodes=6)
            made = (await stub.CreateEvaluation(pb.CreateEvaluationRequest(spec=spec))).evaluation
            async for event in stub.WatchEvaluation(pb.WatchEvaluationRequest(name=made.name), timeout=900):
                made = event.evaluation
            assert made.state == pb.Evaluation.STATE_SUCCEEDED, made.error
            assert made.num_lost_episodes == 0
            async for trajectory in trajectories.of_run(TrajectoryServiceStub(store), made.name):
                found[split, trajectory.task_id] = trajectory.reward
        for channel in (orchestrator, store):
            await channel.close()
    return found


@pytest.fixture(scope="module")
def impossible() -> dict[tuple[str, str], bool]:
    """Whether no page answers a task, by split and task."""
    worlds = Worlds()
    return {
        (name, str(task.id)): task.impossible
        for name, split in SPLITS.items()
        if name != "demo"
        for task in suite.tasks(worlds, split, split.default_seed, split.default_count)
    }


@pytest.mark.slow
async def test_the_expert_solves_every_task(tmp_path: Path, impossible: dict[tuple[str, str], bool]) -> None:
    assert len(impossible) >= MIN_TASKS
    assert len({task[:-3] for _split, task in impossible}) >= MIN_TEMPLATES
    tasks: dict[str, list[str]] = {}
    for split, task in impossible:
        tasks.setdefault(split, []).append(task)
    if "RATCHET_SLOW" not in os.environ:
        tasks["train"] = tasks["train"][::4]
    found = await rewards(tmp_path, "policies/expert", tasks)
    assert set(found) == {(split, task) for split, ids in tasks.items() for task in ids}
    assert [task for task, reward in found.items() if reward < 1] == []


@pytest.mark.slow
async def test_the_trivial_agent_solves_exactly_the_impossible_tasks(
    tmp_path: Path, impossible: dict[tuple[str, str], bool]
) -> None:
    assert 0.03 <= sum(impossible.values()) / len(impossible) <= 0.07
    found = await rewards(tmp_path, "policies/trivial", {"heldout-instances": []})
    assert found == {task: float(hopeless) for task, hopeless in impossible.items() if task[0] == "heldout-instances"}
    assert set(found.values()) == {0.0, 1.0}
