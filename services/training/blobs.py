"""Datasets and adapters in the trajectory room, as files here."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as pb_grpc
from services.common.errors import FailedPrecondition

_TIMEOUT_S = 600.0
_CHUNK_BYTES = 1 << 20


async def fetch(store: pb_grpc.TrajectoryServiceAsyncStub, blob: str, path: Path) -> None:
    """Put a blob's bytes into a file, whole or not at all. Raises NotFound, FailedPrecondition, Unavailable."""
    scratch, found = path.with_suffix(".part"), hashlib.sha256()
    try:
        with scratch.open("wb") as file:
            async for response in store.GetBlob(pb.GetBlobRequest(name=blob), timeout=_TIMEOUT_S):
                found.update(response.chunk)
                file.write(response.chunk)
        if found.hexdigest() != blob.removeprefix("blobs/"):
            raise FailedPrecondition(
                f"{blob} came with the sha256 {found.hexdigest()}; the store is damaged", blob=blob
            )
        scratch.replace(path)
    except OSError as error:
        raise FailedPrecondition(f"cannot write {path}: {error.strerror}; check space and permissions") from error
    finally:
        scratch.unlink(missing_ok=True)


async def store(store: pb_grpc.TrajectoryServiceAsyncStub, path: Path) -> tuple[str, str]:
    """Store a file; its blob name and sha256. Storing it again is no error."""
    digest = await asyncio.to_thread(_digest, path)

    async def chunks() -> AsyncIterator[pb.PutBlobRequest]:
        with path.open("rb") as file:
            first = True
            while (chunk := file.read(_CHUNK_BYTES)) or first:
                yield pb.PutBlobRequest(sha256=digest if first else "", chunk=chunk)
                first = False

    reply = await store.PutBlob(chunks(), timeout=_TIMEOUT_S)
    return reply.name, digest


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
