"""Curate: the filter's verdicts become rows of a dataset."""

from __future__ import annotations

from ratchet.curation.v1 import curation_service_pb2 as curation_pb
from ratchet.orchestrator.v1.iteration_service_pb2 import FilterSummary, Iteration
from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from services.common.errors import RatchetError
from services.orchestrator import scores, strategies
from services.orchestrator.phases import collect
from services.orchestrator.turn import Turn

_TIMEOUT_S = 600.0
# Synthetic rows are written by the model itself, about one a second for a tiny one on two cores.
_CURATE_TIMEOUT_S = 4 * 3600.0
_NOTHING_LEFT = "TOO_FEW_ROWS"


async def run(turn: Turn) -> None:
    """Without enough plausible trajectories there is no dataset, and so no candidate: that is a result too."""
    await turn.report(0, 1)
    await _diagnose(turn)
    spec = turn.spec
    strategy = strategies.named(spec.strategy)
    policy = await turn.services.policies.get(turn.iteration.base_policy)
    request = curation_pb.CurateDatasetRequest(
        request_id=turn.iteration.name,
        parents=[*await _earlier(turn), collect.source(turn)],
        phase=collect.PHASE,
        mixture=spec.mixture,
        rows=spec.rows,
        validation_fraction=0.1,
        seed=spec.seed,
        filter=strategy.filter,
        precedence=strategy.precedence,
        model=policy.base_model,
        adapter=policy.adapter_digest,
        suite=spec.suite,
        world_seed=spec.train_world_seed,
        hindsight=strategy.hindsight,
    )
    try:
        reply = await turn.services.stubs.curation.CurateDataset(request, timeout=_CURATE_TIMEOUT_S)
    except RatchetError as error:
        if error.reason != _NOTHING_LEFT:
            raise
        turn.iteration.verdict_reason = error.message
        await turn.report(1, 1, "no dataset: too few plausible trajectories")
        return
    turn.iteration.dataset = reply.dataset
    rows = f"{reply.num_plausible} plausible, {reply.num_train_rows} + {reply.num_validation_rows} rows"
    await turn.report(1, 1, rows)


async def _diagnose(turn: Turn) -> None:
    """How the filter did on this run, against rewards that nothing else looks at."""
    request = scoring_pb.FilterTrajectoriesRequest(
        parents=[collect.source(turn)], phase=collect.PHASE, filter=strategies.named(turn.spec.strategy).filter
    )
    found = (await turn.services.stubs.scoring.FilterTrajectories(request, timeout=_TIMEOUT_S)).diagnostics
    turn.iteration.filter.CopyFrom(
        FilterSummary(
            num_trajectories=found.num_trajectories,
            num_plausible=found.num_plausible,
            precision=found.precision,
            recall=found.recall,
            f1=found.f1,
            broken_rules=found.broken_rules,
        )
    )
    scores.show_iteration(turn.iteration)


async def _earlier(turn: Turn) -> list[str]:
    """Runs of the rounds before this one, the first round first: its trajectory wins (the paper's rule)."""
    runs: list[str] = []
    name = turn.iteration.previous
    while name:
        before = await turn.services.registry.get(Iteration, name)
        runs.insert(0, before.spec.collected_by or before.name)
        name = before.previous
    return list(dict.fromkeys(runs))
