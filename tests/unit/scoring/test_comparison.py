"""Intervals and paired tests, against numbers worked out elsewhere."""

from __future__ import annotations

import pytest

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.scoring import comparison


def outcomes(policy: str, rewards: list[float]) -> pb.PolicyOutcomes:
    return pb.PolicyOutcomes(policy=policy, rewards={f"w:{n}": reward for n, reward in enumerate(rewards)})


def compare(*all_outcomes: pb.PolicyOutcomes, **fields: object) -> pb.ComparePoliciesResponse:
    fields.setdefault("baseline", all_outcomes[0].policy)
    return comparison.compare(pb.ComparePoliciesRequest(outcomes=all_outcomes, **fields), 10_000)


def test_the_papers_score_gets_an_honest_interval():
    """58 of 812: the exact binomial quantiles say [5.4, 8.9] %, ten times what the paper prints."""
    score = compare(outcomes("base", [1.0] * 58 + [0.0] * 754), seed=1).scores[0]
    assert (score.num_tasks, score.num_solved) == (812, 58)
    assert score.mean == pytest.approx(58 / 812)
    assert score.interval.low == pytest.approx(0.0542, abs=0.001)
    assert score.interval.high == pytest.approx(0.0893, abs=0.001)


def test_the_same_seed_gives_the_same_numbers_whatever_the_order():
    rewards = {f"w:{n}": float(n % 3 == 0) for n in range(50)}
    backwards = dict(reversed(rewards.items()))
    one = compare(pb.PolicyOutcomes(policy="a", rewards=rewards), seed=5).scores[0]
    two = compare(pb.PolicyOutcomes(policy="a", rewards=backwards), seed=5).scores[0]
    other = compare(pb.PolicyOutcomes(policy="a", rewards=rewards), seed=6).scores[0]
    assert one == two
    assert one.interval != other.interval or one.interval.low == pytest.approx(other.interval.low, abs=0.05)


def test_a_paired_difference_names_what_was_gained_and_lost():
    found = compare(outcomes("base", [0, 0, 1, 1]), outcomes("new", [1, 0, 1, 0])).differences[0]
    assert (list(found.gained), list(found.lost)) == (["w:0"], ["w:3"])
    assert (found.mean, found.p_value) == (0, 1)


def test_pairing_is_sharper_than_two_intervals():
    base = [float(n % 2) for n in range(200)]
    better = [1.0 if n < 16 else reward for n, reward in enumerate(base)]
    answer = compare(outcomes("base", base), outcomes("new", better))
    paired, (one, two) = answer.differences[0], answer.scores
    assert paired.interval.low > 0
    assert two.interval.low < one.interval.high


def test_only_common_tasks_are_paired():
    base = pb.PolicyOutcomes(policy="base", rewards={"w:1": 0, "w:2": 0})
    new = pb.PolicyOutcomes(policy="new", rewards={"w:2": 1, "w:3": 1})
    found = compare(base, new).differences[0]
    assert (found.num_tasks, found.mean, list(found.gained)) == (1, 1, ["w:2"])


def with_attempts(policy: str, *rewards: list[float]) -> pb.PolicyOutcomes:
    tried = {f"w:{n}": pb.AttemptRewards(rewards=of_task) for n, of_task in enumerate(rewards)}
    return pb.PolicyOutcomes(policy=policy, attempts=tried)


def test_attempts_count_with_their_mean_and_say_how_far_they_scatter():
    """By hand: means 1/2, 1, 0; variances of attempts 1/3, 0, 0 over 4; pass@2 = 1 - C(2,2)/C(4,2) for the first."""
    score = compare(with_attempts("a", [1, 0, 1, 0], [1] * 4, [0] * 4)).scores[0]
    assert (score.mean, score.num_solved, score.min_attempts) == (pytest.approx(0.5), 1.5, 4)
    assert score.attempt_error == pytest.approx((1 / 3 / 4) ** 0.5 / 3)
    assert dict(score.pass_at_k) == pytest.approx({1: 1 / 2, 2: (5 / 6 + 1) / 3, 3: 2 / 3, 4: 2 / 3})


def test_one_attempt_says_nothing_of_another():
    score = compare(with_attempts("a", [1, 1], [0])).scores[0]
    assert (score.min_attempts, dict(score.pass_at_k)) == (1, {1: 0.5})
    assert not score.HasField("attempt_error")
    averaged = compare(outcomes("a", [0.5, 0.5])).scores[0]
    assert not averaged.HasField("attempt_error")
    assert not averaged.pass_at_k


def test_attempts_and_averages_are_paired_alike():
    found = compare(outcomes("base", [0.25, 1]), with_attempts("new", [1, 0], [1, 1])).differences[0]
    assert (found.mean, list(found.gained), list(found.lost)) == (0.125, ["w:0"], [])


def test_tasks_of_one_template_are_not_taken_for_independent_ones():
    """Ten tasks a template, all alike: 20 facts, not 200. A cluster each is the same as none."""
    rewards = outcomes("a", [float(n // 10 % 2) for n in range(200)])
    by_template = {f"w:{n}": str(n // 10) for n in range(200)}
    alone, together = compare(rewards).scores[0].interval, compare(rewards, clusters=by_template).scores[0].interval
    apart = {f"w:{n}": str(n) for n in range(200)}
    assert compare(rewards, clusters=apart).scores[0].interval == alone
    assert together.high - together.low == pytest.approx((alone.high - alone.low) * 10**0.5, rel=0.15)


def test_a_task_without_a_cluster_is_one():
    """Were the two left out drawn together, no resample could hold one of them without the other."""
    rewards = pb.PolicyOutcomes(policy="a", rewards={"w:1": 0, "w:2": 1, "w:3": 0.5})
    interval = compare(rewards, clusters={"w:3": "w:1"}).scores[0].interval
    assert (interval.low, interval.high) == (0, 1)


def test_several_candidates_are_corrected_for():
    base = outcomes("base", [0.0] * 20)
    better = outcomes("better", [1.0] * 7 + [0.0] * 13)
    same = outcomes("same", [0.0] * 20)
    first, second = compare(base, better, same).differences
    assert first.p_value == pytest.approx(2 / 2**7)
    assert first.adjusted_p_value == pytest.approx(2 * first.p_value)
    assert (second.p_value, second.adjusted_p_value) == (1, 1)
    (alone,) = compare(base, better).differences
    assert alone.adjusted_p_value == alone.p_value


def test_averaged_attempts_count_with_their_shares():
    answer = compare(outcomes("base", [0.25, 0.5]), outcomes("new", [0.5, 0.5]))
    assert answer.scores[0].num_solved == 0.75
    assert answer.differences[0].mean == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("all_outcomes", "fields", "says"),
    [
        ([outcomes("a", [1])], {"baseline": "b"}, "baseline 'b' is not among the outcomes: a"),
        ([outcomes("a", [1]), outcomes("a", [0])], {}, "twice"),
        ([outcomes("a", [])], {}, "no rewards"),
        ([outcomes("a", [1.5])], {}, "reward 1.5"),
        ([outcomes("a", [float("nan")])], {}, "reward nan"),
        ([with_attempts("a", [1, 2])], {}, "reward 2"),
        ([with_attempts("a", [1], [])], {}, "no attempt at 'w:1'"),
        ([pb.PolicyOutcomes(policy="a", rewards={"t": 1}, attempts={"t": {"rewards": [1]}})], {}, "give it once"),
        ([outcomes("a", [1])], {"num_resamples": 100}, "num_resamples"),
        ([outcomes("a", [1]), pb.PolicyOutcomes(policy="b", rewards={"z": 1})], {}, "no task in common"),
    ],
)
def test_what_cannot_be_compared_is_refused(all_outcomes, fields, says):
    with pytest.raises(InvalidArgument, match=says):
        compare(*all_outcomes, **fields)
