"""Builds the scoring room over the stubs of the store and the browser."""

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
    home: Path,  # noqa: ARG001 - every room is opened alike
) -> AsyncIterator[list[Mount]]:
    """Scoring's mounts; it keeps nothing on disk."""
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
    from ratchet.scoring.v1 import scoring_service_pb2_grpc as pb_grpc
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
    from services.scoring.service import ScoringService
    from services.scoring.settings import ScoringSettings

    settings = load(ScoringSettings, table)
    service = ScoringService(TrajectoryServiceStub(dial("trajectory")), BrowserServiceStub(dial("browser")), settings)
    yield [Mount(pb_grpc.add_ScoringServiceServicer_to_server, service, "ratchet.scoring.v1.ScoringService")]
