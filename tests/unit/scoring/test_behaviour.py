"""What a summary of behaviour counts, on trajectories made for it."""

from __future__ import annotations

import json

import pytest

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument
from services.scoring import behaviour

UNACHIEVABLE = {"eval": {"reference_answers": {"fuzzy_match": "N/A"}}}


def trajectory(*actions: str, answer: str = "", refused: int = 0, task: object = None, **fields: object):
    fields.setdefault("stop_reason", "answered")
    steps = [trajectory_pb.Step(action=action) for action in actions]
    for step in steps[:refused]:
        step.error = "there is no element [9]"
    given = {} if task is None else {"task_json": json.dumps(task)}
    return trajectory_pb.Trajectory(
        name="evaluations/v/trajectories/t-1", steps=steps, answer=answer, **given, **fields
    )


def summary(*trajectories):
    return behaviour.summarise("a", [behaviour.facts_of(each) for each in trajectories])


def test_steps_are_counted_by_what_became_of_them():
    found = summary(
        trajectory("click [9]", "click [9]", "", "click [9]", "stop [x]", refused=1),
        trajectory("stop [x]"),
        trajectory("", "", "", stop_reason="unparsable"),
    )
    assert (found.num_trajectories, found.num_steps, found.mean_steps, found.median_steps) == (3, 9, 3, 3)
    assert (found.num_unparsable, found.num_refused, found.num_repeated) == (4, 1, 2)
    assert dict(found.stop_reasons) == {"answered": 2, "unparsable": 1}


def test_giving_up_is_right_where_the_reference_is_not_available():
    found = summary(
        trajectory("stop [N/A]", answer="N/A", task=UNACHIEVABLE),
        trajectory("stop [n/a]", answer='"n/a"', task={"eval": {"reference_answers": {"exact_match": "5"}}}),
        trajectory("stop [5]", answer="5", task=UNACHIEVABLE, reward=1.0),
        # Cut off before it could answer.
        trajectory("click [1]", answer="N/A", stop_reason="max_steps"),
    )
    assert (found.num_given_up, found.num_rightly_given_up, found.num_wrongly_tried) == (2, 1, 1)
    assert found.num_solved == 1


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"fuzzy_match": "N/A"}, True),
        ({"fuzzy_match": ["N/A"]}, True),
        ({"must_include": ["n/a"]}, True),
        ({"exact_match": "N/A", "must_include": ["12"]}, False),
        ({"must_include": ["N/A", "12"]}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_task_is_unachievable_when_every_reference_says_so(answers, expected):
    assert behaviour.unachievable({"eval": {"reference_answers": answers}}) is expected
    assert not behaviour.unachievable({})


def test_costs_are_means_over_trajectories():
    timings = [trajectory_pb.Timings(total_s=2, act_s=1), trajectory_pb.Timings(total_s=4, act_s=0.5)]
    found = summary(
        trajectory("stop [x]", timings=timings[0], num_prompt_tokens=100, num_response_tokens=10),
        trajectory("stop [x]", timings=timings[1], num_prompt_tokens=300, num_response_tokens=20),
        trajectory("stop [x]"),
    )
    assert (found.mean_s, found.median_s) == (2, 2)
    assert (found.mean_prompt_tokens, found.mean_response_tokens) == (pytest.approx(400 / 3), 10)
    assert found.mean_s_by_part["act"] == 0.5
    assert "total" not in found.mean_s_by_part


def test_nothing_to_summarise_is_zeros():
    found = behaviour.summarise("a", [])
    assert (found.num_trajectories, found.mean_steps, found.median_s) == (0, 0, 0)


def test_a_task_that_is_no_json_is_named():
    with pytest.raises(InvalidArgument, match="task_json of evaluations/v/trajectories/t-1"):
        behaviour.facts_of(trajectory("stop [x]", task_json="{"))
