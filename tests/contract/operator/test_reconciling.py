"""SelfImprovements against a real orchestrator: nothing starts twice, everything is told, deletion cancels."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from ratchet.orchestrator.v1.score_pb2 import Difference, Score, SplitReport
from services.common import ids, rpc
from services.common.errors import NotFound
from services.operator.reconciling import Reconciler, Resource
from services.operator.runs import Runs
from services.operator.settings import OperatorSettings
from tests.contract.operator.conftest import Orchestrator, after, conditions

POLICY = "policies/base"
pytestmark = pytest.mark.asyncio(loop_scope="module")
RUNNING, SUCCEEDED, FAILED = pb.Iteration.STATE_RUNNING, pb.Iteration.STATE_SUCCEEDED, pb.Iteration.STATE_FAILED


def resource(**spec: Any) -> Resource:
    return Resource(str(uuid.uuid4()), "sample", {"numTrainTasks": 2, "numEvalTasks": 1, **spec})


def iteration(state: int, **fields: Any) -> pb.Iteration:
    spec = pb.IterationSpec(suite="arena", rounds=2)
    name = f"iterations/{ids.new_id()}"
    return pb.Iteration(name=name, state=state, spec=spec, **{"round": 1, "base_policy": POLICY, **fields})


async def stored(at: Orchestrator, seen: Resource, *rounds: pb.Iteration) -> None:
    """As if the orchestrator had run them for that resource."""
    for number, each in enumerate(rounds):
        request = "" if number else seen.uid
        await at.registry.create(each, request, active=each.state == RUNNING)


async def test_an_iteration_starts_once_however_often_its_resource_begins(orchestrator: Orchestrator) -> None:
    seen = resource()
    first = await orchestrator.reconciler.begin(seen)
    again = await orchestrator.reconciler.begin(seen)
    assert first.status["iteration"] == again.status["iteration"]
    found = (await orchestrator.iterations.ListIterations(pb.ListIterationsRequest())).iterations
    assert [each.name for each in found if each.state == RUNNING] == [first.status["iteration"]]
    seen = after(seen, first)
    assert seen.status["state"] == "Running"
    assert conditions(seen)["Progressing"][0] == "True"
    assert [note.reason for note in first.notes] == ["Started"]
    await orchestrator.reconciler.end(seen)


async def test_one_waits_for_another_and_begins_when_that_is_deleted(orchestrator: Orchestrator) -> None:
    first, second = resource(), resource()
    running = await orchestrator.reconciler.begin(first)
    waiting = await orchestrator.reconciler.begin(second)
    assert waiting.retry_s == OperatorSettings().retry_s
    second = after(second, waiting)
    assert second.status["state"] == "Pending"
    assert conditions(second)["Progressing"] == ("True", "IterationRunning")
    assert running.status["iteration"] in second.status["conditions"][1]["message"]
    assert (await orchestrator.reconciler.begin(second)).status == {}, "nothing new is nothing to write"

    ended = after(first, await orchestrator.reconciler.end(after(first, running)))
    assert ended.status["state"] == "Cancelled"
    begun = after(second, await orchestrator.reconciler.begin(second))
    assert begun.status["state"] == "Running"
    await orchestrator.reconciler.end(begun)


@pytest.mark.parametrize(
    ("spec", "reason", "said"),
    [
        ({"suite": "shoping"}, "UnknownSuite", "shoping"),
        ({"policy": "policies/none"}, "UnknownPolicy", "policies/none"),
        ({"trainingMethod": "full"}, "InvalidArgument", "choose lora, qlora, dora"),
        ({"policy": "policies/trivial"}, "InvalidArgument", "has no weights to train"),
        ({"strategy": "magic"}, "InvalidArgument", "magic"),
        ({"rounds": "two"}, "InvalidArgument", "rounds"),
        ({"epochs": 2}, "InvalidArgument", "epochs"),
        ({"follows": "iterations/none"}, "NotFound", "iterations/none"),
    ],
)
async def test_a_spec_that_cannot_be_run_is_refused_in_the_apis_words(
    orchestrator: Orchestrator, spec: dict[str, Any], reason: str, said: str
) -> None:
    seen = resource(**spec)
    outcome = await orchestrator.reconciler.begin(seen)
    seen = after(seen, outcome)
    assert seen.status["state"] == "Refused"
    assert conditions(seen) == {
        "Ready": ("False", reason),
        "Progressing": ("False", reason),
        "Failed": ("True", reason),
    }
    assert said in outcome.refused == seen.status["conditions"][2]["message"]
    assert [note.reason for note in outcome.notes] == ["Refused"]
    with pytest.raises(NotFound):
        await orchestrator.iterations.GetIteration(pb.GetIterationRequest(request_id=seen.uid))
    edited = Resource(seen.uid, seen.name, resource().spec, seen.status, generation=2)
    edited = after(edited, await orchestrator.reconciler.begin(edited))
    assert edited.status["state"] == "Running"
    assert {each["observedGeneration"] for each in edited.status["conditions"]} == {2}
    await orchestrator.reconciler.end(edited)


async def test_a_resource_that_never_began_goes_without_starting_anything(orchestrator: Orchestrator) -> None:
    seen = resource()
    outcome = await orchestrator.reconciler.end(seen)
    assert (outcome.retry_s, outcome.refused, outcome.status) == (None, "", {})
    with pytest.raises(NotFound):
        await orchestrator.iterations.GetIteration(pb.GetIterationRequest(request_id=seen.uid))


async def test_deletion_cancels_the_round_that_runs_and_leaves_those_before_it(orchestrator: Orchestrator) -> None:
    seen = resource(rounds=2)
    second = iteration(RUNNING, round=2)
    first = iteration(SUCCEEDED, verdict="kept", next=second.name)
    await stored(orchestrator, seen, first, second)
    ended = after(seen, await orchestrator.reconciler.end(seen))
    assert (ended.status["iteration"], ended.status["state"]) == (second.name, "Cancelled")
    assert [each["state"] for each in ended.status["rounds"]] == ["Succeeded", "Cancelled"]


async def test_the_status_tells_scores_verdicts_and_the_promoted_policy(orchestrator: Orchestrator) -> None:
    seen = resource(rounds=2)
    report = SplitReport(
        split="heldout-instances",
        scores=[
            Score(policy=POLICY, num_tasks=120, num_solved=49.5, mean=0.4125, low=0.338, high=0.488),
            Score(policy="policies/second", num_tasks=120, num_solved=60, mean=0.5, low=0.42, high=0.58),
        ],
        differences=[
            Difference(
                policy="policies/second", baseline=POLICY, num_tasks=120, mean=0.0875, low=0.02, high=0.15, p_value=0.01
            )
        ],
    )
    second = iteration(RUNNING, round=2, base_policy="policies/second", phase="collect")
    second.phases.add(phase="collect", num_done=3, num_total=40)
    first = iteration(
        SUCCEEDED,
        candidate_policy="policies/second",
        verdict="promoted",
        verdict_reason="better by 8.8 points",
        reports=[report],
        next=second.name,
    )
    await stored(orchestrator, seen, first, second)
    outcome = await orchestrator.reconciler.follow(seen)
    assert [note.reason for note in outcome.notes] == ["Started", "Promoted", "Started"]
    seen = after(seen, outcome)
    told = seen.status
    assert (told["state"], told["phase"], told["progress"], told["round"]) == ("Running", "collect", "3/40", 2)
    assert told["base"] == "41.2 % [33.8, 48.8] n=120"
    assert told["score"] == "50.0 % [42.0, 58.0] n=120"
    assert (told["verdict"], told["promotedPolicy"]) == ("promoted", "policies/second")
    assert told["scores"][1]["numSolved"] == 60
    assert told["differences"][0]["pValue"] == 0.01
    assert told["report"] == f"ratchet report {second.name.removeprefix('iterations/')}"
    looked_again = await orchestrator.reconciler.follow(seen)
    assert (looked_again.status, looked_again.notes) == ({}, ())

    await orchestrator.registry.put(iteration_ended(second), active=False)
    outcome = await orchestrator.reconciler.follow(seen)
    ended = after(seen, outcome)
    assert [note.reason for note in outcome.notes] == ["Kept", "Succeeded"]
    assert conditions(ended)["Ready"] == ("True", "Succeeded")
    assert ended.status["promotedPolicy"] == "policies/second", "the second round's verdict takes nothing back"
    assert "phase" not in ended.status
    moved = {each["type"]: each["lastTransitionTime"] for each in seen.status["conditions"]}
    assert moved["Failed"] == ended.status["conditions"][2]["lastTransitionTime"]


def iteration_ended(second: pb.Iteration) -> pb.Iteration:
    ended = pb.Iteration()
    ended.CopyFrom(second)
    ended.state, ended.verdict, ended.verdict_reason = SUCCEEDED, "kept", "not better"
    return ended


async def test_a_failed_run_says_why_and_goes_on_when_asked(orchestrator: Orchestrator) -> None:
    seen = resource()
    failed = iteration(FAILED, error="the store is full", phase="train")
    await stored(orchestrator, seen, failed)
    seen = after(seen, await orchestrator.reconciler.follow(seen))
    assert conditions(seen)["Failed"] == ("True", "Failed")
    assert "the store is full" in seen.status["conditions"][2]["message"]
    seen = after(seen, await orchestrator.reconciler.resume(seen))
    assert seen.status["state"] == "Running"
    await orchestrator.reconciler.end(seen)


async def test_while_the_orchestrator_is_away_nothing_known_is_lost(orchestrator: Orchestrator, tmp_path) -> None:
    seen = after(resource(), await orchestrator.reconciler.begin(began := resource()))
    channel = rpc.dial(f"unix:{tmp_path / 'nobody.sock'}")
    away = Reconciler(Runs(IterationServiceStub(channel)), OperatorSettings())
    for ask in (away.follow, away.end):
        outcome = await ask(seen)
        assert outcome.retry_s
        assert conditions(after(seen, outcome))["Progressing"] == ("Unknown", "Unavailable")
        assert after(seen, outcome).status["iteration"] == seen.status["iteration"]
    waiting = await away.begin(resource())
    assert (waiting.status["state"], bool(waiting.retry_s)) == ("Pending", True)
    await channel.close()
    await orchestrator.reconciler.end(began)


async def test_a_run_that_the_orchestrator_has_lost_has_failed(orchestrator: Orchestrator) -> None:
    seen = Resource(str(uuid.uuid4()), "sample", {}, {"state": "Running", "iteration": "iterations/gone"})
    lost = after(seen, await orchestrator.reconciler.follow(seen))
    assert conditions(lost)["Failed"] == ("True", "IterationLost")
