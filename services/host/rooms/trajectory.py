"""Builds the trajectory room: a database, an object store, and the service over them."""

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
    dial: Callable[[str], aio.Channel],  # noqa: ARG001 - every room is opened alike
    home: Path,
) -> AsyncIterator[list[Mount]]:
    """The store's mounts; it needs no other room. Raises StorageFailed and SchemaMismatch."""
    from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as pb_grpc
    from services.trajectory.adapters.objects import StoredObjects
    from services.trajectory.adapters.sql import SqlRecords
    from services.trajectory.service import TrajectoryService
    from services.trajectory.settings import TrajectorySettings

    settings, own = load(TrajectorySettings, table), home / "trajectory"
    objects = StoredObjects(settings.blobs(own))
    records = SqlRecords(settings.database(own))
    try:
        await objects.start()
        await records.start()
        service = TrajectoryService(records, objects, settings.compression_level)
        yield [
            Mount(
                pb_grpc.add_TrajectoryServiceServicer_to_server,
                service,
                "ratchet.trajectory.v1.TrajectoryService",
            )
        ]
    finally:
        await records.close()
