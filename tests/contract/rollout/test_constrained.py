"""An agent that can write nothing but well-formed actions: the tiny policy in real rooms, on real pages."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb
from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2 import ListTrajectoriesRequest, Step, Trajectory
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common import prompts, rpc
from services.host.main import host

ROOMS = ["arena", "browser", "trajectory", "serving", "scoring", "rollout", "orchestrator"]
BRIEF = prompts.named("brief")


@pytest.mark.skipif(find_spec("llguidance") is None, reason="llguidance is not installed here: make setup")
async def test_a_constrained_agent_writes_only_actions_and_decides_as_a_free_one(tmp_path: Path) -> None:
    async with host(tmp_path, {}, ROOMS) as addresses:
        orchestrator, store = (rpc.dial(addresses.address(room)) for room in ("orchestrator", "trajectory"))

        async def attempts(**fields: object) -> list[Trajectory]:
            stub = EvaluationServiceStub(orchestrator)
            spec = pb.EvaluationSpec(policy="policies/base", num_tasks=3, max_steps=4, **fields)
            made = (await stub.CreateEvaluation(pb.CreateEvaluationRequest(spec=spec))).evaluation
            async for event in stub.WatchEvaluation(pb.WatchEvaluationRequest(name=made.name), timeout=120):
                made = event.evaluation
            assert (made.state, made.num_lost_episodes) == (pb.Evaluation.STATE_SUCCEEDED, 0), made.error
            request = ListTrajectoriesRequest(parent=made.name, with_steps=True)
            found = (await TrajectoryServiceStub(store).ListTrajectories(request)).trajectories
            return sorted(found, key=lambda trajectory: trajectory.task_id)

        free, bound = await attempts(), await attempts(constrained=True)
        wild, tamed = await attempts(temperature=1.8), await attempts(temperature=1.8, constrained=True)
        for channel in (orchestrator, store):
            await channel.close()
    assert [(one.reward, actions(one)) for one in bound] == [(one.reward, actions(one)) for one in free]
    assert not all(map(well_formed, ended(wild))), "the temperature must be high enough to show a difference"
    assert all(map(well_formed, ended(bound + tamed)))


def actions(trajectory: Trajectory) -> list[str]:
    return [step.action for step in trajectory.steps]


def ended(found: list[Trajectory]) -> list[Step]:
    """Steps whose response was not cut short."""
    return [step for each in found for step in each.steps if step.num_response_tokens < BRIEF.max_new_tokens]


def well_formed(step: Step) -> bool:
    return re.fullmatch(BRIEF.regex, step.response) is not None
