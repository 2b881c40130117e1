"""Gate and promote: the verdict is written, and the next round begins where there is one."""

from __future__ import annotations

from services.orchestrator import gate, metrics
from services.orchestrator.turn import Turn


async def run(turn: Turn) -> None:
    """The candidate becomes the current policy, or stays in the registry as rejected."""
    iteration = turn.iteration
    if iteration.candidate_policy:
        verdict = gate.decide(list(iteration.reports), iteration.candidate_policy, iteration.base_policy)
        await turn.services.policies.settle(iteration.candidate_policy, promoted=verdict.verdict == gate.PROMOTED)
    else:
        verdict = gate.Verdict(gate.KEPT, iteration.verdict_reason or "there is no candidate")
    if not iteration.verdict:
        metrics.VERDICTS.labels(verdict.verdict).inc()
    iteration.verdict, iteration.verdict_reason = verdict
    await turn.report(1, 1, verdict.reason)
