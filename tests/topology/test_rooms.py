"""One scenario over every room, embedded and as separate processes: what comes out must be the same."""

from __future__ import annotations

import pytest
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from ratchet.orchestrator.v1 import evaluation_service_pb2 as evaluations
from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common.errors import NotFound
from services.orchestrator.ports import UnknownSplit


async def evaluate(dial, policy: str, count: int) -> tuple[evaluations.Evaluation, list[store.Trajectory]]:
    stub = EvaluationServiceStub(dial("orchestrator"))
    spec = evaluations.EvaluationSpec(policy=policy, num_tasks=count, world_seed=3)
    made = (await stub.CreateEvaluation(evaluations.CreateEvaluationRequest(spec=spec))).evaluation
    async for event in stub.WatchEvaluation(evaluations.WatchEvaluationRequest(name=made.name), timeout=180):
        made = event.evaluation
    listed = await TrajectoryServiceStub(dial("trajectory")).ListTrajectories(
        store.ListTrajectoriesRequest(parent=made.name, with_steps=True)
    )
    return made, list(listed.trajectories)


async def test_the_same_scenario_gives_the_same_results_in_one_process_and_in_many(dial) -> None:
    expert, solved = await evaluate(dial, "policies/expert", 3)
    assert expert.state == evaluations.Evaluation.STATE_SUCCEEDED, expert.error
    assert [(score.num_tasks, score.mean) for score in expert.report.scores] == [(3, 1.0)]
    assert all(step.url.startswith("http://") and ".test" in step.url for t in solved for step in t.steps)

    trivial, gave_up = await evaluate(dial, "policies/trivial", 3)
    assert trivial.report.scores[0].num_tasks == 3
    assert [t.answer for t in gave_up] == ["N/A"] * 3

    base, tried = await evaluate(dial, "policies/base", 2)
    assert base.state == evaluations.Evaluation.STATE_SUCCEEDED, base.error
    assert len(tried) == 2
    for trajectory in tried:
        first = trajectory.steps[0]
        assert first.prompt.startswith("PAGE:\n")
        assert first.num_prompt_tokens > 0
        assert first.num_response_tokens == len(first.response_token_ids)

    with pytest.raises(NotFound, match="iterations/none"):
        await TrajectoryServiceStub(dial("trajectory")).GetTrajectory(
            store.GetTrajectoryRequest(name="iterations/none/trajectories/none")
        )
    stub = EvaluationServiceStub(dial("orchestrator"))
    spec = evaluations.EvaluationSpec(policy="policies/trivial", split="nowhere")
    with pytest.raises(UnknownSplit, match="heldout-instances"):
        await stub.CreateEvaluation(evaluations.CreateEvaluationRequest(spec=spec))

    reflected = reflection_pb2_grpc.ServerReflectionStub(dial("browser")).ServerReflectionInfo(
        iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    )
    names = [service.name async for reply in reflected for service in reply.list_services_response.service]
    assert "ratchet.browser.v1.BrowserService" in names
