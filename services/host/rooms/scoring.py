"""Builds the scoring room over the stubs of the store, the browser and serving."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.common.rpc import Dial, Mount
from services.common.settings import load

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub


@asynccontextmanager
async def open_room(table: dict[str, Any], dial: Dial, home: Path) -> AsyncIterator[list[Mount]]:
    """Scoring's mounts; on disk it keeps remembered embeddings only. Models are loaded when they are first needed."""
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
    from ratchet.scoring.v1 import scoring_service_pb2_grpc as pb_grpc
    from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceStub
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
    from services.scoring.adapters.sentences import SentenceEmbedder
    from services.scoring.adapters.sqlite import SqliteVectors
    from services.scoring.embeddings import Embeddings
    from services.scoring.service import Models, ScoringService
    from services.scoring.settings import ScoringSettings

    settings = load(ScoringSettings, table)
    cache = SqliteVectors(home / "scoring" / "embeddings.db", settings.max_cached_embeddings)
    named = {
        name: Embeddings(SentenceEmbedder(name), cache) for name in (settings.vertex_model, settings.capability_model)
    }
    models = Models(vertex=named[settings.vertex_model], capability=named[settings.capability_model])
    store, serving = TrajectoryServiceStub(dial("trajectory")), ServingServiceStub(dial("serving"))

    def browser_at(address: str) -> BrowserServiceAsyncStub:
        return BrowserServiceStub(dial("browser", address))

    service = ScoringService(store, browser_at, serving, models, settings)
    yield [Mount(pb_grpc.add_ScoringServiceServicer_to_server, service, "ratchet.scoring.v1.ScoringService")]
