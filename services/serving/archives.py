"""Adapter archives: fetched from the trajectory room, verified, unpacked.

Invariant: a directory named by a digest holds exactly what an archive of that digest held; it appears whole or not
at all, and nothing is ever written outside it.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import tempfile
from pathlib import Path

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as trajectory_grpc
from services.common.archives import MAX_BYTES, BadArchive, unpack
from services.common.errors import FailedPrecondition, InvalidArgument

REQUIRED = ("adapter_config.json", "adapter_model.safetensors")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_FETCH_TIMEOUT_S = 600.0


class Archives:
    """Unpacked adapters in a directory, one folder per digest."""

    def __init__(self, home: Path, store: trajectory_grpc.TrajectoryServiceAsyncStub) -> None:
        self._home = home
        self._store = store

    async def fetch(self, digest: str, blob: str) -> Path:
        """The directory of an adapter, fetched if it is not here. Raises InvalidArgument, BadArchive, NotFound."""
        if not _DIGEST.fullmatch(digest):
            raise InvalidArgument(f"{digest!r} is not a sha256 in lower-case hex; give the archive's digest")
        target = self._home / digest
        if target.is_dir():
            return target
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._home, prefix=".fetch-") as scratch:
                archive = Path(scratch) / "adapter.tar"
                await self._download(digest, blob, archive)
                unpacked = Path(scratch) / "adapter"
                await asyncio.to_thread(unpack, archive, unpacked, REQUIRED)
                if not target.is_dir():
                    unpacked.rename(target)
        except OSError as error:
            raise FailedPrecondition(
                f"cannot keep the adapter under {self._home}: {error.strerror or error}; check the disk",
                digest=digest,
            ) from error
        return target

    def here(self) -> list[tuple[str, Path]]:
        """Digest and directory of each adapter that was fetched and not forgotten, oldest first."""
        if not self._home.is_dir():
            return []
        found = [path for path in self._home.iterdir() if _DIGEST.fullmatch(path.name)]
        return [(path.name, path) for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]

    async def _download(self, digest: str, blob: str, path: Path) -> None:
        found, size = hashlib.sha256(), 0
        call = self._store.GetBlob(trajectory.GetBlobRequest(name=blob), timeout=_FETCH_TIMEOUT_S)
        with path.open("wb") as file:
            async for response in call:
                size += len(response.chunk)
                if size > MAX_BYTES:
                    raise BadArchive(f"{blob} is larger than {MAX_BYTES} bytes", blob=blob)
                found.update(response.chunk)
                file.write(response.chunk)
        if found.hexdigest() != digest:
            raise BadArchive(
                f"{blob} has the sha256 {found.hexdigest()}, not {digest}; it is another archive or was damaged",
                blob=blob,
                digest=digest,
            )

    def forget(self, digest: str) -> None:
        """Remove an adapter's files; they can be fetched again. Unknown digests are no error."""
        shutil.rmtree(self._home / digest, ignore_errors=True)
