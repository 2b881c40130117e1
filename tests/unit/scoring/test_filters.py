"""What each filter beyond the paper's keeps, on small runs."""

from __future__ import annotations

import asyncio

import pytest

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument
from services.scoring import filters, grounding, judging

KETTLE = "[2] link 'Blue Kettle'\nPrice: $12.99"


def attempt(name: str, answer: str = "$12.99", *, task: str = "1", confidence: float = -0.1, **other):
    defaults = {"intent": "What does the Blue Kettle cost?", "final_url": "http://shop.test/kettle"}
    steps = [
        trajectory_pb.Step(observation=KETTLE, action="type [1] [blue kettle] [1]", response="I search."),
        trajectory_pb.Step(observation=KETTLE, action=f"stop [{answer}]", response="Here it is."),
    ]
    steps[0].response_logprobs.extend([confidence, confidence])
    return trajectory_pb.Trajectory(
        name=name, world="train/1", task_id=task, answer=answer, stop_reason="answered", steps=steps, **defaults | other
    )


def kept(name: str, *attempts: trajectory_pb.Trajectory, says: bool = True) -> list[str]:
    async def judge(_: trajectory_pb.Trajectory) -> bool:
        return says

    async def verdicts() -> list[filters.Judged]:
        how = filters.named(name)
        return how.settle([await how.look(each, judge) for each in attempts])

    return [each.verdict.trajectory for each in asyncio.run(verdicts()) if each.verdict.plausible]


def test_an_attempt_that_takes_its_words_from_task_and_page_is_grounded():
    assert grounding.broken_rules(attempt("a")) == []


def test_an_answer_that_no_page_showed_is_made_up():
    assert grounding.broken_rules(attempt("a", "$13.99")) == ["made_up"]


def test_words_that_are_typed_must_come_from_somewhere():
    typed = attempt("a")
    typed.steps[0].action = "type [1] [red kettle] [1]"
    assert grounding.broken_rules(typed) == ["made_up"]
    typed.intent = "What does the red kettle cost?"
    assert grounding.broken_rules(typed) == []


def test_a_part_of_a_word_is_not_the_word():
    assert grounding.broken_rules(attempt("a", "Kett")) == ["made_up"]


def test_a_question_is_not_answered_by_being_done():
    assert grounding.broken_rules(attempt("a", "Done")) == ["unanswered"]
    assert grounding.broken_rules(attempt("a", "Done", intent="Add the Blue Kettle to my cart.")) == []


def test_an_action_that_the_page_refused_is_told():
    refused = attempt("a")
    refused.steps[0].error = "[1] is not on the page"
    assert grounding.broken_rules(refused) == ["refused"]


def test_attempts_at_a_task_vote_for_how_it_ends():
    runs = [attempt("a"), attempt("b"), attempt("c", "blue kettle")]
    assert kept("agreement", *runs) == ["a", "b"]
    # The same answer on another page is another ending, and three endings are equal.
    runs[1].steps[-1].observation += "\nShipping: $4.00"
    assert kept("agreement", *runs) == []


def test_the_more_confident_ending_wins_between_two():
    assert kept("agreement", attempt("a", confidence=-0.5), attempt("b", "blue kettle", confidence=-0.1)) == ["b"]


def test_a_lone_attempt_of_little_confidence_does_not_carry_its_task():
    sure = [attempt(f"sure{k}", task="2", confidence=-0.01) for k in range(19)]
    unsure = attempt("unsure", confidence=-2.0)
    assert "unsure" not in kept("agreement", *sure, unsure)
    assert "unsure" in kept("agreement", *sure[:1], unsure)


def test_the_attempts_that_the_model_is_least_sure_of_are_left_out():
    runs = [attempt(f"a{k}", task=str(k), confidence=-0.1 * k) for k in range(10)]
    assert kept("confident", *runs) == [f"a{k}" for k in range(9)]
    assert kept("confident", *runs[:3]) == ["a0", "a1", "a2"]


def test_an_attempt_that_leaves_out_what_its_task_names_is_not_kept():
    def posted(name: str, *typed: str) -> trajectory_pb.Trajectory:
        made = attempt(name, "done", task=name, intent='Rename "Blue Kettle" to "Copper Pot" and give it to zoe.')
        made.steps.insert(0, trajectory_pb.Step(observation="[7] link 'Blue Kettle'\nzoe", action="click [7]"))
        made.steps[1].action = f"type [1] [{typed[0]}]"
        made.steps[2].observation = " ".join(typed)
        return made

    other = [attempt(f"other{k}", "done", task=f"other{k}", intent='Rename it to "" and give it.') for k in range(3)]
    whole, half = posted("whole", "Copper Pot", "zoe"), posted("half", "Copper")
    assert kept("covered", whole, *other) == ["whole", "other0", "other1", "other2"]
    # "pot" and "zoe" of "blue kettle copper pot zoe": too little, though the model was as sure.
    assert kept("covered", half, *other) == ["other0", "other1", "other2"]
    assert "half" in kept("confident", half, *other)
    # What every task asks for is no sign of having done this one.
    assert "half" in kept("covered", half, *[posted(f"again{k}", "Copper Pot", "zoe") for k in range(3)])


def test_verdicts_do_not_depend_on_the_order():
    runs = [attempt("a"), attempt("b", "blue kettle", confidence=-0.3), attempt("c", task="2"), attempt("d", "none")]
    assert sorted(kept("agreement", *runs)) == sorted(kept("agreement", *runs[::-1])) == ["a", "c"]


def test_the_reward_filter_keeps_what_was_rewarded_whatever_it_looks_like():
    assert kept("reward", attempt("a", "made up", reward=1.0), attempt("b")) == ["a"]


@pytest.mark.parametrize(
    ("reply", "success"),
    [
        ("The cart holds it.\nStatus: success", True),
        ("Status: success\nNo, wait.\nStatus: failure", False),
        ("**Status: Success**", True),
        ("It was a success", False),
        ("", False),
    ],
)
def test_only_a_clear_status_line_is_a_yes(reply, success):
    assert judging.verdict(reply) == success


def test_the_judge_decides_on_what_the_papers_rules_let_through():
    assert kept("judge", attempt("a"), attempt("b", "N/A")) == ["a"]
    assert kept("judge", attempt("a"), says=False) == []


def test_an_unknown_filter_is_refused_with_the_known_ones():
    with pytest.raises(InvalidArgument, match="paper, grounded, confident, covered, agreement, judge, reward"):
        filters.named("magic")
