"""The gate promotes on a paired improvement on held-out tasks, and on nothing else."""

from __future__ import annotations

from ratchet.orchestrator.v1.score_pb2 import Difference, SplitReport
from services.orchestrator import gate


def report(split: str, mean: float, low: float, high: float) -> SplitReport:
    difference = Difference(
        policy="policies/new", baseline="policies/base", num_tasks=160, mean=mean, low=low, high=high
    )
    return SplitReport(split=split, differences=[difference])


def decide(*reports: SplitReport) -> gate.Verdict:
    return gate.decide(list(reports), "policies/new", "policies/base")


def test_an_interval_above_zero_promotes() -> None:
    assert decide(report("heldout-instances", 0.1, 0.02, 0.18)).verdict == gate.PROMOTED


def test_a_gain_that_may_be_chance_does_not() -> None:
    verdict = decide(report("heldout-instances", 0.05, -0.01, 0.11))
    assert verdict.verdict == gate.KEPT
    assert "not shown to be better" in verdict.reason
    assert "n = 160" in verdict.reason


def test_a_sure_loss_on_unseen_templates_keeps_the_old_policy() -> None:
    verdict = decide(report("heldout-instances", 0.1, 0.02, 0.18), report("heldout-templates", -0.1, -0.2, -0.01))
    assert verdict.verdict == gate.KEPT
    assert "heldout-templates" in verdict.reason


def test_gains_on_other_splits_do_not_decide() -> None:
    assert decide(report("heldout-templates", 0.3, 0.2, 0.4)).verdict == gate.KEPT
