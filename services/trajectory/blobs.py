"""Content-addressed blobs: named by the sha256 of their bytes, kept compressed.

Invariant: what is read under a name has that digest, or the read fails with BlobCorrupted.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import AsyncIterable, AsyncIterator

import zstandard

from services.common.errors import InvalidArgument, NotFound
from services.trajectory import metrics
from services.trajectory.errors import BlobCorrupted
from services.trajectory.ports import Objects

CHUNK_BYTES = 1024 * 1024
_SPOOL_BYTES = 8 * 1024 * 1024
_DIGEST = re.compile(r"[0-9a-f]{64}")


def parse(name: str) -> str:
    """The digest in "blobs/{sha256}"; raises InvalidArgument."""
    digest = name.removeprefix("blobs/")
    if digest == name or not _DIGEST.fullmatch(digest):
        raise InvalidArgument(f"{name!r} is not a blob name; blobs are blobs/<64 lower-case hex digits>", name=name)
    return digest


def _key(digest: str) -> str:
    return f"sha256/{digest[:2]}/{digest}.zst"


class Blobs:
    """Blobs over an object store."""

    def __init__(self, objects: Objects, level: int = 3) -> None:
        self._objects = objects
        self._level = level

    async def put(self, content: bytes) -> str:
        """Store small content; its digest."""
        digest = hashlib.sha256(content).hexdigest()
        await self._objects.put(_key(digest), zstandard.compress(content, self._level))
        metrics.BLOB_BYTES.labels("in").inc(len(content))
        return digest

    async def get(self, digest: str) -> bytes:
        """All of a small blob."""
        stored = await self._objects.get(_key(digest))
        if stored is None:
            raise _missing(digest)
        try:
            content = zstandard.decompress(stored)
        except zstandard.ZstdError as error:
            raise _corrupted(digest) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise _corrupted(digest)
        metrics.BLOB_BYTES.labels("out").inc(len(content))
        return content

    async def put_stream(self, chunks: AsyncIterable[bytes], expected: str = "") -> tuple[str, int]:
        """Store content of any size; its digest and size in bytes.

        Raises InvalidArgument, storing nothing, when `expected` is given and is not the content's digest.
        """
        if expected and not _DIGEST.fullmatch(expected):
            raise InvalidArgument(f"sha256 {expected!r} is not 64 lower-case hex digits", sha256=expected)
        digest, size = hashlib.sha256(), 0
        compressor = zstandard.ZstdCompressor(self._level).compressobj()
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES) as spool:
            async for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                spool.write(compressor.compress(chunk))
            spool.write(compressor.flush())
            name = digest.hexdigest()
            if expected and name != expected:
                raise InvalidArgument(
                    f"the content has sha256 {name}, not {expected}; it was changed on the way, send it again",
                    sha256=expected,
                    found=name,
                )
            spool.seek(0)
            await self._objects.put(_key(name), spool)
        metrics.BLOB_BYTES.labels("in").inc(size)
        return name, size

    async def read(self, digest: str) -> AsyncIterator[bytes]:
        """The content in chunks of CHUNK_BYTES; raises NotFound, or BlobCorrupted (perhaps only at the end)."""
        found, pending = hashlib.sha256(), bytearray()
        expand = zstandard.ZstdDecompressor().decompressobj()
        try:
            async for piece in self._objects.read(_key(digest)):
                pending += expand.decompress(piece)
                while len(pending) >= CHUNK_BYTES:
                    chunk = bytes(pending[:CHUNK_BYTES])
                    del pending[:CHUNK_BYTES]
                    found.update(chunk)
                    metrics.BLOB_BYTES.labels("out").inc(len(chunk))
                    yield chunk
        except KeyError:
            raise _missing(digest) from None
        except zstandard.ZstdError as error:
            raise _corrupted(digest) from error
        found.update(pending)
        if found.hexdigest() != digest:
            raise _corrupted(digest)
        metrics.BLOB_BYTES.labels("out").inc(len(pending))
        if pending:
            yield bytes(pending)

    async def exists(self, digest: str) -> bool:
        """Whether the blob is stored."""
        return await self._objects.exists(_key(digest))


def _missing(digest: str) -> NotFound:
    return NotFound(f"there is no blobs/{digest}", name=f"blobs/{digest}")


def _corrupted(digest: str) -> BlobCorrupted:
    return BlobCorrupted(
        f"the stored bytes of blobs/{digest} are damaged; put the same content again to mend it",
        name=f"blobs/{digest}",
    )
