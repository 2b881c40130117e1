"""Builds the curation room over the stubs of scoring, serving and the store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from grpc import aio

from services.common.rpc import Mount
from services.common.settings import load


@asynccontextmanager
async def open_room(
    table: dict[str, Any],
    dial: Callable[[str], aio.Channel],
    home: Path,
) -> AsyncIterator[list[Mount]]:
    """Curation's mounts; on disk it keeps finished synthetic examples only."""
    from ratchet.curation.v1 import curation_service_pb2_grpc as pb_grpc
    from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub
    from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceStub
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
    from services.curation.adapters.parquet import Parquet
    from services.curation.adapters.sqlite import SqliteLedger
    from services.curation.curating import Curator
    from services.curation.service import CurationService
    from services.curation.settings import CurationSettings
    from services.curation.synthesis.opening import Opener

    settings = load(CurationSettings, table)
    scoring, store = ScoringServiceStub(dial("scoring")), TrajectoryServiceStub(dial("trajectory"))
    ledger = SqliteLedger(home / "curation" / "synthesis.db")
    synthesis = Opener(ServingServiceStub(dial("serving")), scoring, ledger, settings)
    service = CurationService(Curator(scoring, store, synthesis, Parquet(), settings))
    yield [Mount(pb_grpc.add_CurationServiceServicer_to_server, service, "ratchet.curation.v1.CurationService")]
