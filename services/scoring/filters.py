"""Filters: named ways to tell which attempts look right, the paper's first.

Invariant: what a filter says depends on the attempts alone, not on their order; none but "reward" looks at a reward.
"""

from __future__ import annotations

import bisect
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument
from services.scoring import coverage, grounding, plausibility
from services.scoring.endings import ending
from services.scoring.stored import task_key

# Asks the model that acted whether an attempt did what it was asked to.
Judge = Callable[[trajectory_pb.Trajectory], Awaitable[bool]]


@dataclass(frozen=True)
class Judged:
    """One attempt: the verdict on it, and what comparing it with others goes by."""

    verdict: pb.Verdict
    rewarded: bool
    task: str
    ending: str
    # Mean log-probability of the tokens of its responses; 0 where they are not known.
    confidence: float
    # Words of the task, and those that the attempt used; of those that `covered` looks at.
    asked: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()


class Filter:
    """The paper's rules; others say what they do besides or instead."""

    async def rules(self, attempt: trajectory_pb.Trajectory, judge: Judge) -> list[str]:
        """The rules that an attempt breaks by itself; expects the steps."""
        return plausibility.broken_rules(attempt)

    def settle(self, judged: Sequence[Judged]) -> list[Judged]:
        """The final verdicts on all attempts of a run."""
        return list(judged)

    async def look(self, attempt: trajectory_pb.Trajectory, judge: Judge) -> Judged:
        """The verdict on one attempt, before others are looked at."""
        verdict = _verdict(attempt.name, await self.rules(attempt, judge))
        return Judged(verdict, attempt.reward >= 1, task_key(attempt), ending(attempt), _confidence(attempt))


class Reward(Filter):
    """The true reward: what a perfect filter would keep. It uses labels."""

    async def rules(self, attempt: trajectory_pb.Trajectory, judge: Judge) -> list[str]:
        return [] if attempt.reward >= 1 else ["unrewarded"]


class SelfJudge(Filter):
    """The paper's rules, and the model's own word that it was done."""

    async def rules(self, attempt: trajectory_pb.Trajectory, judge: Judge) -> list[str]:
        return plausibility.broken_rules(attempt) or ([] if await judge(attempt) else ["judged_failed"])


class Grounded(Filter):
    """The paper's rules and those of grounding.py: nothing made up, nothing refused, a question answered."""

    async def rules(self, attempt: trajectory_pb.Trajectory, judge: Judge) -> list[str]:
        return plausibility.broken_rules(attempt) + grounding.broken_rules(attempt)


class Confident(Grounded):
    """Grounded, and not among the run's grounded attempts of which the model was least sure.

    For runs of one attempt a task, where no two can agree. `max_doubt` is the share that is left out.
    """

    def __init__(self, max_doubt: float) -> None:
        self._max_doubt = max_doubt

    def settle(self, judged: Sequence[Judged]) -> list[Judged]:
        ranked = sorted(each.confidence for each in judged if each.verdict.plausible)
        least = ranked[int(self._max_doubt * len(ranked))] if ranked else 0.0
        return [
            replace(each, verdict=_verdict(each.verdict.trajectory, ["unsure"]))
            if each.verdict.plausible and each.confidence < least
            else each
            for each in judged
        ]


class Covered(Confident):
    """Confident, and the words that are the task's own (few of the run's tasks have them) were used.

    What a policy does wrong with full confidence is often half of what was asked; `min_share` is the share of those
    words that must be used.
    """

    def __init__(self, max_doubt: float, min_share: float) -> None:
        super().__init__(max_doubt)
        self._min_share = min_share

    async def look(self, attempt: trajectory_pb.Trajectory, judge: Judge) -> Judged:
        judged = await super().look(attempt, judge)
        return replace(judged, asked=coverage.asked(attempt.intent), used=coverage.used(attempt))

    def settle(self, judged: Sequence[Judged]) -> list[Judged]:
        asked = {each.task: each.asked for each in judged}
        tasks = Counter(word for words in asked.values() for word in words)
        return [
            replace(each, verdict=_verdict(each.verdict.trajectory, ["uncovered"]))
            if each.verdict.plausible and coverage.share(each.asked, each.used, tasks, len(asked)) < self._min_share
            else each
            for each in super().settle(judged)
        ]


class Agreement(Grounded):
    """Grounded, and ended as the task's attempts vote.

    A grounded attempt votes for its ending with its confidence: the rank, 0 to 1, of its tokens' mean log-probability
    among the run's grounded attempts, so that no scale of a model's matters. The ending with the most votes wins if it
    has at least `min_share` of a vote per attempt and no equal.
    """

    def __init__(self, min_share: float) -> None:
        self._min_share = min_share

    def settle(self, judged: Sequence[Judged]) -> list[Judged]:
        ranked = sorted(each.confidence for each in judged if each.verdict.plausible)
        votes: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
        for each in judged:
            if each.verdict.plausible:
                votes[each.task][each.ending] += bisect.bisect_right(ranked, each.confidence) / len(ranked)
        attempts = Counter(each.task for each in judged)
        return [self._settled(each, votes[each.task], attempts[each.task]) for each in judged]

    def _settled(self, attempt: Judged, votes: Mapping[str, float], num_attempts: int) -> Judged:
        if not attempt.verdict.plausible:
            return attempt
        mine = votes[attempt.ending]
        won = all(other < mine for ending_, other in votes.items() if ending_ != attempt.ending)
        share = mine / num_attempts
        verdict = _verdict(attempt.verdict.trajectory, [] if won and share >= self._min_share else ["disagreement"])
        verdict.agreement = share
        return replace(attempt, verdict=verdict)


FILTERS: dict[str, Filter] = {
    "paper": Filter(),
    "grounded": Grounded(),
    "confident": Confident(max_doubt=0.15),
    "covered": Covered(max_doubt=0.15, min_share=0.75),
    "agreement": Agreement(min_share=0.1),
    "judge": SelfJudge(),
    "reward": Reward(),
}


def named(name: str) -> Filter:
    """The filter of that name, "" for the paper's. Raises InvalidArgument."""
    if found := FILTERS.get(name or "paper"):
        return found
    raise InvalidArgument(f"filter is {name!r}; use one of {', '.join(FILTERS)}", field="filter")


def _verdict(trajectory: str, broken: list[str]) -> pb.Verdict:
    return pb.Verdict(trajectory=trajectory, plausible=not broken, broken_rules=broken)


def _confidence(attempt: trajectory_pb.Trajectory) -> float:
    found = [logprob for step in attempt.steps for logprob in step.response_logprobs]
    return sum(found) / len(found) if found else 0.0
