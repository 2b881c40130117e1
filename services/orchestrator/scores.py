"""The latest scores as Prometheus sees them: those of the last few policies and of the built-in ones.

Invariant: a policy has one series a suite and split, of its newest measurement, and one of its newest evaluation
outside of iterations, in the role "evaluated"; at most MAX_POLICIES that iterations made are shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from ratchet.orchestrator.v1.score_pb2 import Difference, Score, SplitReport
from services.orchestrator import metrics, policies
from services.orchestrator.registry import Registry

MAX_POLICIES = 8
EVALUATED, EARLIER = "evaluated", "earlier"
_BUILTIN = (policies.BASE, policies.TRIVIAL, policies.EXPERT)
_LABELS = ("suite", "split", "policy", "role")
_SCORE = {
    "mean": ("ratchet_task_completion_ratio", "Share of tasks solved, last measured"),
    "low": ("ratchet_task_completion_low_ratio", "Low end of its 95 % interval over tasks"),
    "high": ("ratchet_task_completion_high_ratio", "High end of its 95 % interval over tasks"),
    "num_tasks": ("ratchet_task_completion_tasks", "Tasks that it was measured on"),
}
_DIFFERENCE = {
    "mean": ("ratchet_paired_difference_ratio", "Candidate less base on the same tasks, last measured"),
    "low": ("ratchet_paired_difference_low_ratio", "Low end of its 95 % interval over tasks"),
    "high": ("ratchet_paired_difference_high_ratio", "High end of its 95 % interval over tasks"),
}


class _Key(NamedTuple):
    suite: str
    split: str
    policy: str
    evaluated: bool


class Scoreboard(Collector):
    """What `show` was told last. Scraped from another thread: what it reads is replaced, never changed."""

    def __init__(self) -> None:
        # The oldest first.
        self._scores: dict[_Key, tuple[str, Score]] = {}
        self._differences: dict[tuple[str, str], Difference] = {}

    def show(self, suite: str, report: SplitReport, roles: dict[str, str]) -> None:
        """`roles` names policies by what they were: base, candidate or trivial of an iteration, or evaluated."""
        scores = dict(self._scores)
        for score in report.scores:
            role = roles.get(score.policy, EVALUATED)
            for key, (held, old) in scores.items():
                if (key.suite, key.split, held) == (suite, report.split, role) and role != EVALUATED:
                    scores[key] = (EARLIER, old)
            key = _Key(suite, report.split, score.policy, role == EVALUATED)
            scores.pop(key, None)
            scores[key] = (role, score)
        self._scores = _newest(scores)
        for difference in report.differences:
            if roles.get(difference.policy) == "candidate":
                self._differences = {**self._differences, (suite, report.split): difference}

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """See prometheus_client."""
        scores, differences = self._scores, self._differences
        for field, (name, text) in _SCORE.items():
            family = GaugeMetricFamily(name, text, labels=_LABELS)
            for key, (role, score) in scores.items():
                family.add_metric((key.suite, key.split, _short(key.policy), role), getattr(score, field))
            yield family
        for field, (name, text) in _DIFFERENCE.items():
            family = GaugeMetricFamily(name, text, labels=("suite", "split", "policy"))
            for where, difference in differences.items():
                family.add_metric((*where, _short(difference.policy)), getattr(difference, field))
            yield family


def _newest(scores: dict[_Key, tuple[str, Score]]) -> dict[_Key, tuple[str, Score]]:
    made = dict.fromkeys(key.policy for key in reversed(scores) if key.policy not in _BUILTIN)
    shown = {*_BUILTIN, *list(made)[:MAX_POLICIES]}
    return {key: value for key, value in scores.items() if key.policy in shown}


def _short(policy: str) -> str:
    return policy.rpartition("/")[2]


BOARD = Scoreboard()
REGISTRY.register(BOARD)


def show_iteration(iteration: Iteration) -> None:
    """What an iteration has measured."""
    roles = {iteration.base_policy: "base", iteration.candidate_policy: "candidate", policies.TRIVIAL: "trivial"}
    for report in iteration.reports:
        BOARD.show(iteration.spec.suite, report, roles)
    if iteration.HasField("filter"):
        metrics.FILTER_PRECISION.set(iteration.filter.precision)
        metrics.FILTER_RECALL.set(iteration.filter.recall)


def show_evaluation(evaluation: Evaluation) -> None:
    """What an evaluation outside of an iteration has measured."""
    if evaluation.HasField("report"):
        BOARD.show(evaluation.spec.suite, evaluation.report, {})


async def restore(registry: Registry) -> None:
    """Show again what was measured before this process began."""
    for evaluation in reversed((await registry.page(Evaluation, MAX_POLICIES, ""))[0]):
        show_evaluation(evaluation)
    for iteration in reversed((await registry.page(Iteration, MAX_POLICIES, ""))[0]):
        show_iteration(iteration)
