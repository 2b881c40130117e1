"""Intervals and paired tests, against numbers worked out elsewhere."""

from __future__ import annotations

import math

import numpy as np
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


def test_an_interval_does_not_depend_on_how_draws_are_blocked(monkeypatch):
    values = np.random.default_rng(0).random(37)
    whole = comparison.interval(values, 2_000, 3)
    monkeypatch.setattr(comparison, "_BLOCK", 370)
    blocked = comparison.interval(values, 2_000, 3)
    assert (blocked.low, blocked.high) == pytest.approx((whole.low, whole.high), abs=0.02)


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


@pytest.mark.parametrize(("gained", "lost"), [(g, n) for g in range(7) for n in range(7)])
def test_mcnemar_is_the_exact_two_sided_binomial(gained, lost):
    n, few = gained + lost, min(gained, lost)
    by_hand = min(1.0, 2 * sum(math.comb(n, k) for k in range(few + 1)) / 2**n)
    assert comparison.mcnemar(gained, lost) == pytest.approx(by_hand)


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
        ([outcomes("a", [1])], {"num_resamples": 100}, "num_resamples"),
        ([outcomes("a", [1]), pb.PolicyOutcomes(policy="b", rewards={"z": 1})], {}, "no task in common"),
    ],
)
def test_what_cannot_be_compared_is_refused(all_outcomes, fields, says):
    with pytest.raises(InvalidArgument, match=says):
        compare(*all_outcomes, **fields)
