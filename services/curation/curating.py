"""One dataset, from verdicts to a stored file.

Invariant: the file's bytes decide the dataset's name, so doing it again stores nothing new.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.curation import card, hindsight, metrics, request, rows, selection
from services.curation.errors import TooFewRows
from services.curation.hindsight import Hindsight
from services.curation.ports import RowFormat
from services.curation.settings import CurationSettings
from services.curation.synthesis.opening import Opener, Synthetic
from services.curation.together import together

_CHUNK_BYTES = 1024 * 1024
_DIGEST_LENGTH = 16


class Curator:
    """Builds datasets through the stubs of scoring and the store, and what synthesis writes."""

    def __init__(
        self, scoring: Any, store: Any, synthesis: Opener, row_format: RowFormat, settings: CurationSettings
    ) -> None:
        self._scoring = scoring
        self._store = store
        self._synthesis = synthesis
        self._format = row_format
        self._settings = settings

    async def curate(self, wanted: pb.CurateDatasetRequest) -> pb.CurateDatasetResponse:
        """The dataset; raises InvalidArgument, TooFewRows and TooFewSynthetic, and what the other rooms raise."""
        request.check(wanted)
        verdicts = {parent: await self._filter(parent, wanted) for parent in wanted.parents}
        runs = [await self._read(found, plausible=True) for found in verdicts.values()]
        kept = selection.choose(runs, wanted.precedence or selection.FIRST)
        diagnostics = {parent: found.diagnostics for parent, found in verdicts.items()}
        fraction = wanted.validation_fraction
        in_domain = await asyncio.to_thread(rows.build, kept, wanted.rows, fraction, wanted.seed)
        _check_enough(in_domain, diagnostics, needs_validation=fraction > 0)
        told = Hindsight([], {})
        if wanted.hindsight:
            turned_down = [one for found in verdicts.values() for one in await self._read(found, plausible=False)]
            policy, parallel = await self._synthesis.policy(wanted), self._settings.parallel_examples
            told = await hindsight.relabel(turned_down, kept, policy, parallel)
            in_domain = rows.with_hindsight(in_domain, kept, told.attempts, wanted.rows, wanted.seed)
        synthetic = Synthetic([], {})
        if wanted.mixture != "A":
            synthetic = await self._synthesis.write(wanted, kept, in_domain)
        built = rows.mix(wanted.mixture, in_domain, synthetic.rows, fraction, wanted.seed)
        described = card.describe(wanted, diagnostics, kept, built, synthetic=synthetic.facts, hindsight=told.facts)
        dataset = await self._put(wanted, built, described)
        for row in built:
            metrics.ROWS_CURATED.labels(row.split).inc()
        return pb.CurateDatasetResponse(
            dataset=dataset.name,
            num_plausible=sum(found.num_plausible for found in diagnostics.values()),
            num_train_rows=dataset.num_train_rows,
            num_validation_rows=dataset.num_validation_rows,
            card=dataset.card,
        )

    async def _filter(self, parent: str, wanted: pb.CurateDatasetRequest) -> scoring_pb.FilterTrajectoriesResponse:
        asked = scoring_pb.FilterTrajectoriesRequest(parents=[parent], phase=wanted.phase, filter=wanted.filter)
        timeout = self._settings.filter_timeout_s
        answer: scoring_pb.FilterTrajectoriesResponse = await self._scoring.FilterTrajectories(asked, timeout=timeout)
        return answer

    async def _read(
        self, found: scoring_pb.FilterTrajectoriesResponse, *, plausible: bool
    ) -> list[trajectory_pb.Trajectory]:
        async def read(name: str) -> trajectory_pb.Trajectory:
            answer = await self._store.GetTrajectory(trajectory_pb.GetTrajectoryRequest(name=name))
            trajectory: trajectory_pb.Trajectory = answer.trajectory
            return trajectory

        names = [verdict.trajectory for verdict in found.verdicts if verdict.plausible == plausible]
        return await together(read, names, self._settings.parallel_reads)

    async def _put(
        self, wanted: pb.CurateDatasetRequest, built: list[rows.Row], described: Any
    ) -> trajectory_pb.Dataset:
        content = await asyncio.to_thread(self._format.encode, built)
        digest = hashlib.sha256(content).hexdigest()
        blob = await self._store.PutBlob(_chunks(content, digest))
        sides = Counter(row.split for row in built)
        dataset = trajectory_pb.Dataset(
            name=f"datasets/{digest[:_DIGEST_LENGTH]}",
            blob=blob.name,
            num_train_rows=sides[rows.TRAIN],
            num_validation_rows=sides[rows.VALIDATION],
            card=described,
        )
        answer = await self._store.CreateDataset(
            trajectory_pb.CreateDatasetRequest(request_id=wanted.request_id, dataset=dataset)
        )
        stored: trajectory_pb.Dataset = answer.dataset
        return stored


def _chunks(content: bytes, digest: str) -> Iterator[trajectory_pb.PutBlobRequest]:
    for start in range(0, len(content), _CHUNK_BYTES):
        yield trajectory_pb.PutBlobRequest(sha256="" if start else digest, chunk=content[start : start + _CHUNK_BYTES])


def _check_enough(
    built: list[rows.Row], diagnostics: dict[str, scoring_pb.FilterDiagnostics], *, needs_validation: bool
) -> None:
    sides = Counter(row.split for row in built)
    if sides[rows.TRAIN] and (sides[rows.VALIDATION] or not needs_validation):
        return
    judged = sum(found.num_trajectories for found in diagnostics.values())
    plausible = sum(found.num_plausible for found in diagnostics.values())
    broken: Counter[str] = Counter()
    for found in diagnostics.values():
        broken.update(found.broken_rules)
    reasons = ", ".join(f"{rule} {count}" for rule, count in broken.most_common()) or "none"
    raise TooFewRows(
        f"{len(built)} rows from {plausible} plausible of {judged} trajectories of {', '.join(diagnostics)} "
        f"(broken rules: {reasons}); training needs rows to train and to validate on. Collect more: more training "
        "tasks, more attempts per task with a temperature above 0, or more steps",
        num_trajectories=judged,
        num_plausible=plausible,
        num_rows=len(built),
    )
