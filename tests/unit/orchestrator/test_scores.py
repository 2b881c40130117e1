"""What Prometheus is shown of scores: the newest of each policy, with what it was, and of few policies."""

from __future__ import annotations

from ratchet.orchestrator.v1.score_pb2 import Difference, Score, SplitReport
from services.orchestrator.scores import MAX_POLICIES, Scoreboard


def report(split: str = "heldout-instances", **means: float) -> SplitReport:
    scores = [
        Score(policy=f"policies/{name}", mean=mean, low=mean - 0.1, high=mean + 0.1) for name, mean in means.items()
    ]
    return SplitReport(split=split, scores=scores)


def shown(board: Scoreboard, name: str = "ratchet_task_completion_ratio") -> dict[tuple[str, ...], float]:
    family = next(family for family in board.collect() if family.name == name)
    return {tuple(list(sample.labels.values())[2:]): round(sample.value, 3) for sample in family.samples}


def test_a_promoted_candidate_is_shown_as_the_base_and_the_base_before_as_earlier() -> None:
    board = Scoreboard()
    roles = {"policies/base": "base", "policies/one": "candidate"}
    board.show("arena", report(base=0.3, one=0.4), roles)
    board.show("arena", report(one=0.41, two=0.5), {"policies/one": "base", "policies/two": "candidate"})
    assert shown(board) == {("base", "earlier"): 0.3, ("one", "base"): 0.41, ("two", "candidate"): 0.5}
    assert shown(board, "ratchet_task_completion_high_ratio")["two", "candidate"] == 0.6


def test_an_evaluation_stands_beside_what_an_iteration_measured() -> None:
    board = Scoreboard()
    board.show("arena", report(base=0.3), {"policies/base": "base"})
    board.show("arena", report(base=1.0), {})
    assert shown(board) == {("base", "base"): 0.3, ("base", "evaluated"): 1.0}


def test_splits_and_suites_are_apart() -> None:
    board = Scoreboard()
    board.show("arena", report(base=0.3), {"policies/base": "base"})
    board.show("arena", report("heldout-templates", base=0.2), {"policies/base": "base"})
    board.show("mine", report(base=0.1), {"policies/base": "base"})
    family = next(iter(board.collect()))
    assert [sample.value for sample in family.samples] == [0.3, 0.2, 0.1]
    assert [sample.labels["suite"] for sample in family.samples] == ["arena", "arena", "mine"]


def test_only_the_newest_policies_are_shown_and_the_built_in_ones() -> None:
    board = Scoreboard()
    board.show("arena", report(base=0.3, trivial=0.05), {"policies/base": "base", "policies/trivial": "trivial"})
    for number in range(MAX_POLICIES + 3):
        board.show("arena", report(**{f"p{number}": 0.5}), {f"policies/p{number}": "candidate"})
    policies = {policy for policy, _role in shown(board)}
    assert policies == {"base", "trivial", *(f"p{number}" for number in range(3, MAX_POLICIES + 3))}


def test_the_candidate_is_shown_against_the_base() -> None:
    board = Scoreboard()
    differences = [Difference(policy="policies/one", mean=0.1), Difference(policy="policies/trivial", mean=-0.3)]
    board.show("arena", SplitReport(split="train", differences=differences), {"policies/one": "candidate"})
    assert shown(board, "ratchet_paired_difference_ratio") == {("one",): 0.1}
