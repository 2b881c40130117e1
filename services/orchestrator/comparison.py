"""Scores of several policies on one split, by the scoring room's statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.orchestrator.v1.score_pb2 import Difference, Score, SplitReport
from ratchet.scoring.v1 import scoring_service_pb2 as pb

if TYPE_CHECKING:
    from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceAsyncStub

_TIMEOUT_S = 120.0


async def compare(
    scoring: ScoringServiceAsyncStub,
    split: str,
    world_seed: int,
    rewards: dict[str, dict[str, float]],
    baseline: str,
    seed: int,
) -> SplitReport:
    """`rewards`: policy -> task key -> reward. Every other policy is paired with the baseline."""
    outcomes = [pb.PolicyOutcomes(policy=policy, rewards=by_task) for policy, by_task in rewards.items() if by_task]
    request = pb.ComparePoliciesRequest(outcomes=outcomes, baseline=baseline, seed=seed)
    reply = await scoring.ComparePolicies(request, timeout=_TIMEOUT_S)
    return SplitReport(
        split=split,
        world_seed=world_seed,
        scores=[
            Score(
                policy=score.policy,
                num_tasks=score.num_tasks,
                num_solved=score.num_solved,
                mean=score.mean,
                low=score.interval.low,
                high=score.interval.high,
            )
            for score in reply.scores
        ],
        differences=[
            Difference(
                policy=each.policy,
                baseline=each.baseline,
                num_tasks=each.num_tasks,
                mean=each.mean,
                low=each.interval.low,
                high=each.interval.high,
                p_value=each.p_value,
                gained=each.gained,
                lost=each.lost,
            )
            for each in reply.differences
        ],
        num_resamples=reply.num_resamples,
        seed=reply.seed,
    )
