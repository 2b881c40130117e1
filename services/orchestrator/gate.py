"""The gate: a candidate is promoted only on a paired improvement.

Invariant: the verdict depends on held-out tasks alone, never on the filter or on training.
"""

from __future__ import annotations

from typing import NamedTuple

from ratchet.orchestrator.v1.score_pb2 import SplitReport

PROMOTED, KEPT = "promoted", "kept"
DECIDING_SPLIT = "heldout-instances"


class Verdict(NamedTuple):
    """What the gate says, and why in a sentence."""

    verdict: str
    reason: str


def decide(reports: list[SplitReport], candidate: str, baseline: str) -> Verdict:
    """Promote when the paired 95 % interval on held-out instances is above zero, and no split is surely worse."""
    by_split = {
        report.split: difference
        for report in reports
        for difference in report.differences
        if difference.policy == candidate and difference.baseline == baseline
    }
    deciding = by_split.get(DECIDING_SPLIT)
    if deciding is None:
        return Verdict(KEPT, f"the candidate was not measured on {DECIDING_SPLIT}")
    change = (
        f"{100 * deciding.mean:+.1f} points on {DECIDING_SPLIT} (paired 95 % interval {100 * deciding.low:+.1f} to "
        f"{100 * deciding.high:+.1f}, n = {deciding.num_tasks})"
    )
    worse = [split for split, difference in by_split.items() if difference.high < 0]
    if worse:
        return Verdict(KEPT, f"{change}; it is worse on {', '.join(worse)}")
    if deciding.low > 0:
        return Verdict(PROMOTED, f"the candidate is better: {change}")
    return Verdict(KEPT, f"the candidate is not shown to be better: {change}")
