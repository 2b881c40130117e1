"""What a dataset's card tells: where its rows are from, what was left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import struct_pb2

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.curation.rows import TRAIN, VALIDATION, Row
from services.curation.selection import task_of


def describe(
    request: pb.CurateDatasetRequest,
    diagnostics: Mapping[str, scoring_pb.FilterDiagnostics],
    kept: Sequence[trajectory_pb.Trajectory],
    rows: Sequence[Row],
    *,
    synthetic: Mapping[str, Any],
    hindsight: Mapping[str, Any],
) -> struct_pb2.Struct:
    """The card. Diagnostics are per parent; their precision and recall were never used to choose.

    `synthetic` and `hindsight` tell how such rows came about; empty where none were asked for.
    """
    sides = Counter(row.split for row in rows)
    card = struct_pb2.Struct()
    card.update(
        {
            "parents": list(request.parents),
            "phase": request.phase,
            "mixture": request.mixture,
            "filter_name": request.filter or "paper",
            "precedence": request.precedence or "first",
            "rows": request.rows,
            "seed": str(request.seed),
            "validation_fraction": request.validation_fraction,
            "filter": {parent: _plain(found) for parent, found in diagnostics.items()},
            "num_plausible": sum(found.num_plausible for found in diagnostics.values()),
            "num_kept_trajectories": len(kept),
            "num_tasks": len({task_of(trajectory) for trajectory in kept}),
            "num_train_rows": sides[TRAIN],
            "num_validation_rows": sides[VALIDATION],
            "sources": dict(Counter(row.source for row in rows)),
            "policies": sorted({trajectory.policy for trajectory in kept}),
            "model": request.model,
            "adapter": request.adapter,
        }
    )
    for section, facts in (("synthesis", synthetic), ("hindsight", hindsight)):
        if facts:
            card.update({section: dict(facts)})
    return card


def _plain(found: scoring_pb.FilterDiagnostics) -> dict[str, Any]:
    return {
        "num_trajectories": found.num_trajectories,
        "num_plausible": found.num_plausible,
        "num_rewarded": found.num_rewarded,
        "num_plausible_and_rewarded": found.num_plausible_and_rewarded,
        "precision": found.precision,
        "recall": found.recall,
        "f1": found.f1,
        "broken_rules": dict(found.broken_rules),
    }
