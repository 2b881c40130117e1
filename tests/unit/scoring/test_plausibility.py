"""Each rule of the paper's filter, on an attempt that breaks just that one."""

from __future__ import annotations

import pytest

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.scoring import plausibility

GOOD = ("click [3]", "type [4] [kettle] [1]", "stop [$12.99]")


def attempt(*actions: str, stop_reason: str = "answered", last_response: str = "The price is $12.99.", reward=0.0):
    steps = [trajectory_pb.Step(action=action, response=f"I do {action}") for action in actions]
    if steps:
        steps[-1].response = last_response
    return trajectory_pb.Trajectory(name="t", steps=steps, stop_reason=stop_reason, reward=reward)


def test_an_attempt_that_breaks_no_rule_is_plausible():
    assert plausibility.broken_rules(attempt(*GOOD)) == []


@pytest.mark.parametrize("stop_reason", ["max_steps", "repeated_actions", "repeated_typing", "unparsable", ""])
def test_an_attempt_that_was_stopped_is_not(stop_reason):
    assert plausibility.broken_rules(attempt(*GOOD, stop_reason=stop_reason)) == ["early_stop"]


def test_an_attempt_without_steps_is_not():
    assert plausibility.broken_rules(attempt()) == ["early_stop"]


def test_the_same_action_three_times_is_a_loop_even_when_not_in_a_row():
    looping = ("click [3]", "go_back", "click [3]", "scroll [down]", "click [3]", "stop [x]")
    assert plausibility.broken_rules(attempt(*looping)) == ["looping"]
    assert plausibility.broken_rules(attempt("click [3]", "go_back", "click [3]", "stop [x]")) == []


@pytest.mark.parametrize("words", ["This is Impossible.", "I cannot find it."])
def test_the_models_own_word_that_it_failed_counts(words):
    assert plausibility.broken_rules(attempt(*GOOD, last_response=words)) == ["said_impossible"]


def test_that_word_counts_in_the_last_response_only():
    said_early = attempt(*GOOD)
    said_early.steps[0].response = "I cannot see it yet."
    assert plausibility.broken_rules(said_early) == []


@pytest.mark.parametrize("action", ["stop [N/A]", "stop []", "stop [No such order]"])
def test_giving_up_is_not_plausible(action):
    assert plausibility.broken_rules(attempt("click [3]", action)) == ["gave_up"]


def test_an_answer_that_merely_starts_with_no_is_fine():
    assert plausibility.broken_rules(attempt("click [3]", "stop [Norway]")) == []


def test_one_unparsable_response_is_enough():
    assert plausibility.broken_rules(attempt("click [3]", "", "stop [x]")) == ["bad_format"]


def test_several_broken_rules_are_all_named():
    bad = attempt("click [3]", "", "click [3]", "click [3]", stop_reason="max_steps", last_response="cannot")
    assert plausibility.broken_rules(bad) == ["early_stop", "looping", "said_impossible", "bad_format"]


def test_the_reward_has_no_say_in_the_verdict():
    verdicts = [plausibility.judge(attempt(*GOOD, reward=reward)) for reward in (0.0, 1.0)]
    assert verdicts[0] == verdicts[1]


def verdict(*broken: str) -> pb.Verdict:
    return pb.Verdict(plausible=not broken, broken_rules=broken)


def test_diagnostics_compare_verdicts_with_rewards():
    judged = [(verdict(), True), (verdict(), True), (verdict(), False), (verdict("looping"), True)]
    judged += [(verdict("looping", "early_stop"), False)] * 2
    found = plausibility.diagnose(judged)
    assert (found.num_trajectories, found.num_plausible, found.num_rewarded) == (6, 3, 3)
    assert found.num_plausible_and_rewarded == 2
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    assert dict(found.broken_rules) == {"looping": 3, "early_stop": 2}


def test_diagnostics_of_nothing_are_zero():
    found = plausibility.diagnose([])
    assert (found.precision, found.recall, found.f1) == (0, 0, 0)
