"""Which policy answers whom while a candidate has a share."""

import itertools

import pytest

from services.serving.deployed import Deployed, NoCandidate

OLD, NEW = "0" * 64, "1" * 64
EPISODES = [f"episodes/{number}" for number in range(4000)]


def with_candidate(deployed):
    return {each for each in EPISODES if deployed.role(each) == "candidate"}


def test_a_candidate_has_its_share_and_a_larger_share_takes_nobody_from_it():
    shares = [with_candidate(Deployed(policy=OLD).canary(NEW, percent)) for percent in (0, 1, 10, 50, 100)]
    for percent, found in zip((0, 1, 10, 50, 100), shares, strict=True):
        assert len(found) / len(EPISODES) == pytest.approx(percent / 100, abs=0.025)
    assert all(smaller <= larger for smaller, larger in itertools.pairwise(shares))
    assert (len(shares[0]), len(shares[-1])) == (0, len(EPISODES))


def test_another_candidate_meets_other_episodes():
    first, second = (with_candidate(Deployed(policy=OLD).canary(each * 64, 10)) for each in "12")
    assert len(first & second) < len(first) / 2


def test_a_candidate_is_promoted_or_dropped_and_a_promotion_can_be_taken_back():
    before = Deployed(policy=OLD)
    canary = before.canary(NEW, 10)
    assert canary.roles() == {"current": OLD, "candidate": NEW}
    assert canary.rolled_back() == before
    promoted = canary.promoted()
    assert promoted == before.replaced(NEW)
    assert promoted.roles() == {"current": NEW}
    assert promoted.replaced(NEW) == promoted, "the policy before it is not forgotten"
    assert promoted.rolled_back().roles() == {"current": OLD}
    with pytest.raises(NoCandidate, match="deploy one with --canary first"):
        promoted.promoted()
