"""Score reports in the words of a table: who is base, tuned and trivial, and what the comparison says.

Invariant: a score is never given without its n and its interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from services.cli import output, words

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.score_pb2 import Difference, SplitReport

TRIVIAL, EXPERT = "policies/trivial", "policies/expert"


class Roles(NamedTuple):
    """Which policy plays which part in an iteration; empty names where there is no such part."""

    base: str = ""
    candidate: str = ""

    def label(self, policy: str) -> str:
        """'base', 'tuned', 'trivial', 'expert', or the policy's id."""
        if policy and policy == self.candidate:
            return "tuned"
        if policy and policy == self.base:
            return "base"
        return words.short(policy)


def main_difference(reports: Sequence[SplitReport], roles: Roles) -> tuple[SplitReport, Difference] | None:
    """The comparison of tuned against base on the first split that has one."""
    for report in reports:
        for difference in report.differences:
            if difference.policy == roles.candidate and difference.baseline == roles.base:
                return report, difference
    return None


def print_reports(reports: Sequence[SplitReport], roles: Roles) -> None:
    """The scores of every split, and the paired differences, for a terminal."""
    output.table(
        ("SPLIT", "WORLD>", "POLICY", "SOLVED>", "N>", "SCORE>", "95 % INTERVAL"),
        (
            (
                report.split,
                str(report.world_seed),
                roles.label(score.policy),
                f"{score.num_solved:g}",
                str(score.num_tasks),
                words.percent(score.mean),
                words.interval(score.low, score.high),
            )
            for report in reports
            for score in report.scores
        ),
        empty="no scores yet",
    )
    for report in reports:
        for difference in report.differences:
            output.say(f"{report.split}: {sentence(difference, roles)}")


def sentence(difference: Difference, roles: Roles) -> str:
    """'tuned against base: +6.3 points [+1.2, +11.3] over 160 tasks, p = 0.021; 14 gained, 4 lost'."""
    return (
        f"{roles.label(difference.policy)} against {roles.label(difference.baseline)}: "
        f"{words.points(difference.mean)} points {words.points_interval(difference.low, difference.high)} "
        f"over {words.count(difference.num_tasks, 'task')}, {words.p_value(difference.p_value)}; "
        f"{len(difference.gained)} gained, {len(difference.lost)} lost"
    )
