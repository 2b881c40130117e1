"""A curriculum: attempts go where the filter kept some of the earlier ones, not all: there is something to learn.

Invariant: the choice depends on earlier attempts and how they ended, never on a reward; the same runs give the same.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory
from services.orchestrator import trajectories
from services.orchestrator.ports import SuiteTask
from services.orchestrator.services import Services

# So many tasks are drawn for each one that is tried.
CANDIDATES = 2
_TIMEOUT_S = 600.0


async def doubts(services: Services, run: str, phase: str, judged_by: str) -> dict[str, float]:
    """Template -> 0 (all attempts are kept, or none) to 1 (half), from a finished run; votes where attempts vote."""
    request = pb.FilterTrajectoriesRequest(parents=[run], phase=phase, filter=judged_by)
    verdicts = (await services.stubs.scoring.FilterTrajectories(request, timeout=_TIMEOUT_S)).verdicts
    agreement = {verdict.trajectory: verdict.agreement or float(verdict.plausible) for verdict in verdicts}
    best: dict[tuple[str, str], float] = defaultdict(float)
    async for trajectory in trajectories.of_run(services.stubs.store, run, phase, Trajectory.STATE_SUCCEEDED):
        key = (_template(json.loads(trajectory.task_json)), trajectories.task_key(trajectory))
        best[key] = max(best[key], agreement.get(trajectory.name, 0.0))
    shares: dict[str, list[float]] = defaultdict(list)
    for (template, _task), share in best.items():
        shares[template].append(share)
    return {template: 1 - abs(2 * fmean(found) - 1) for template, found in shares.items()}


def choose(tasks: Sequence[SuiteTask], doubt: Mapping[str, float], count: int) -> list[SuiteTask]:
    """`count` of the tasks, those of the most doubtful templates first; a template that was not tried is in doubt."""
    ranked = sorted(tasks, key=lambda task: -doubt.get(_template(task.task), 1.0))
    return ranked[:count]


def _template(task: Mapping[str, Any]) -> str:
    return str(task["intent_template_id"])
