"""What scoring promises, over gRPC, with real pages where pages are judged."""

from __future__ import annotations

import json

import pytest

from ratchet.browser.v1 import browser_service_pb2 as browser_pb
from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import FailedPrecondition, InvalidArgument, RatchetError

SITES = {"__SHOPPING__": "http://shop.test"}


async def evaluate(rooms, evaluation, **fields):
    task_json = json.dumps({"task_id": 1, "eval": evaluation})
    fields.setdefault("placeholders", SITES)
    return await rooms.scoring.EvaluateEpisode(pb.EvaluateEpisodeRequest(task_json=task_json, **fields))


def looks(*targets, **more):
    keys = ("url", "locator", "required_contents")
    return {"eval_types": ["program_html"], "program_html": [dict(zip(keys, t, strict=True)) for t in targets]} | more


async def test_the_reward_is_the_product_of_the_evaluators(rooms):
    both = {
        "eval_types": ["string_match", "url_match"],
        "reference_answers": {"must_include": ["12.99"]},
        "reference_url": "__SHOPPING__/kettle",
    }
    right = {"answer": "$12.99", "final_url": "http://shop.test/kettle"}
    answer = await evaluate(rooms, both, **right)
    assert answer.reward == 1
    assert [(check.evaluator, check.passed) for check in answer.checks] == [
        ("string_match", True),
        ("url_match", True),
    ]
    for wrong in ({"answer": "$13"}, {"final_url": "http://shop.test/"}, {"final_url": "chrome-error://x"}):
        answer = await evaluate(rooms, both, **(right | wrong))
        assert answer.reward == 0
        assert any(check.detail for check in answer.checks if not check.passed)


async def test_pages_are_judged_through_the_episodes_session(rooms, session):
    passing = looks(
        ("last", 'document.querySelector(".total").outerText', {"exact_match": "Total: $45.10"}),
        ("__SHOPPING__/cart", "", {"must_include": ["missing |OR| <h1>cart</h1>", "$45.10"]}),
        ("last", "document.querySelector('.note').outerText", {"exact_match": 'It\'s "blue"'}),
        ("__SHOPPING__/members", "func:gitlab_get_project_memeber_role(__page__, 'anna')", {"exact_match": "guest"}),
        ("last", "Array.from(document.querySelectorAll('p')).length.toString()", {"exact_match": "2"}),
        ("func:shopping_get_latest_order_url()", "document.body.outerText", {"must_include": ["velmora kettle"]}),
    )
    answer = await evaluate(rooms, passing, session=session)
    assert [(check.passed, check.detail) for check in answer.checks if not check.passed] == []
    assert (answer.reward, len(answer.checks)) == (1, 6)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (("last", "document.querySelector('.total').outerText", {"exact_match": "Total: $9"}), "total: $45.10"),
        (("last", "document.querySelector('.none').outerText", {"must_include": ["x"]}), ""),
        (("last", "document.(", {"must_include": ["x"]}), ""),
        (("__SHOPPING__/gone", "", {"must_include": ["Velmora"]}), "does not include 'Velmora'"),
        (("http://elsewhere.test/", "", {"must_include": ["x"]}), "elsewhere.test"),
    ],
)
async def test_what_is_not_there_fails_the_check_and_says_so(rooms, session, target, says):
    answer = await evaluate(rooms, looks(target), session=session)
    assert answer.reward == 0
    (check,) = answer.checks
    assert says in check.detail


async def test_what_stands_at_the_end_of_a_huge_page_is_found(rooms, session):
    wanted = looks(("last", "'ä'.repeat(2e6) + ' the end'", {"must_include": ["the end"]}))
    assert (await evaluate(rooms, wanted, session=session)).reward == 1


async def test_prep_actions_run_before_the_look(rooms, session):
    wanted = looks(("__SHOPPING__/cart", "document.querySelector('.total').outerText", {"exact_match": "Total: $0"}))
    assert (await evaluate(rooms, wanted, session=session)).reward == 0
    wanted["program_html"][0]["prep_actions"] = ["document.querySelector('button').click()"]
    assert (await evaluate(rooms, wanted, session=session)).reward == 1


async def test_a_missing_browser_is_an_error_never_a_reward(rooms, browsing):
    wanted = looks(("last", "", {"must_include": ["x"]}))
    with pytest.raises(FailedPrecondition, match="before the session is deleted"):
        await evaluate(rooms, wanted)
    with pytest.raises(RatchetError, match="sessions/gone"):
        await evaluate(rooms, wanted, session="sessions/gone")


async def test_pages_are_not_looked_at_once_the_answer_is_wrong(rooms):
    wanted = looks(("last", "", {"must_include": ["x"]}))
    wanted |= {"eval_types": ["string_match", "program_html"], "reference_answers": {"exact_match": "yes"}}
    answer = await evaluate(rooms, wanted, answer="no", session="sessions/gone")
    assert (answer.reward, [check.evaluator for check in answer.checks]) == (0, ["string_match"])


async def test_a_malformed_task_names_its_field(rooms):
    with pytest.raises(InvalidArgument, match=r"eval\.eval_types"):
        await evaluate(rooms, {"eval_types": ["telepathy"]})
    locator = looks(("last", "func:read('x')", {"must_include": ["x"]}))
    with pytest.raises(InvalidArgument, match="locator"):
        await evaluate(rooms, locator, session="sessions/gone")


def attempt(n: int, run: str = "iterations/i1", **fields) -> trajectory_pb.Trajectory:
    given = {"state": trajectory_pb.Trajectory.STATE_SUCCEEDED, "stop_reason": "answered", "phase": "collect"}
    step = trajectory_pb.Step(action="stop [x]", response="so", observation="o" * 400_000)
    return trajectory_pb.Trajectory(
        name=f"{run}/trajectories/e{n}-1", episode=f"{run}/episodes/e{n}", attempt=1, steps=[step], **(given | fields)
    )


async def test_a_runs_attempts_are_filtered_whatever_their_size_and_order(rooms):
    made = [attempt(n, reward=n % 2) for n in (3, 1, 9, 4, 7, 2, 8, 5, 6)]
    made += [attempt(20, stop_reason="max_steps"), attempt(21, state=trajectory_pb.Trajectory.STATE_FAILED)]
    made += [attempt(22, phase="evaluate"), attempt(1, run="evaluations/v1")]
    for trajectory in made:
        await rooms.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=trajectory))
    request = pb.FilterTrajectoriesRequest(parents=["iterations/i1"], phase="collect")
    answer = await rooms.scoring.FilterTrajectories(request)
    names = [verdict.trajectory.rsplit("/", 1)[1] for verdict in answer.verdicts]
    assert names == sorted(f"{trajectory.name.rsplit('/', 1)[1]}" for trajectory in made[:10])
    assert [verdict.trajectory for verdict in answer.verdicts if not verdict.plausible] == [made[9].name]
    found = answer.diagnostics
    assert (found.num_trajectories, found.num_plausible, found.num_rewarded) == (10, 9, 5)
    assert (found.precision, found.recall) == (pytest.approx(5 / 9), 1)
    with pytest.raises(InvalidArgument, match="parents"):
        await rooms.scoring.FilterTrajectories(pb.FilterTrajectoriesRequest())


async def test_policies_are_compared_over_the_wire(rooms):
    base = pb.PolicyOutcomes(policy="policies/base", rewards={"w:1": 0, "w:2": 1, "w:3": 0})
    new = pb.PolicyOutcomes(policy="policies/new", rewards={"w:1": 1, "w:2": 1, "w:3": 0})
    request = pb.ComparePoliciesRequest(outcomes=[base, new], baseline="policies/base", seed=1)
    answer = await rooms.scoring.ComparePolicies(request)
    assert (answer.num_resamples, answer.seed) == (10_000, 1)
    assert [score.policy for score in answer.scores] == ["policies/base", "policies/new"]
    assert list(answer.differences[0].gained) == ["w:1"]


async def test_the_session_is_still_the_agents_after_it_was_looked_through(rooms, session):
    await evaluate(rooms, looks(("__SHOPPING__/members", "", {"must_include": ["ann"]})), session=session)
    seen = await rooms.browser.Observe(browser_pb.ObserveRequest(session=session, format="compact"))
    assert (seen.observation.url, seen.observation.num_tabs) == ("http://shop.test/cart", 1)
