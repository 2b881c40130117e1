"""Objects in a directory (file://) or an S3-compatible bucket (s3://) through obstore.

Invariant: an object appears whole or not at all: directories are written to a temporary name and renamed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, NoReturn
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, from_url

from services.common.database import StorageFailed
from services.common.errors import InvalidArgument

_CHUNK_BYTES = 1024 * 1024
_IN_DIRECTORY = "Check that it exists, is writable and has free space"
_IN_BUCKET = (
    "Check that the store of AWS_ENDPOINT_URL (empty is AWS) can be reached, that the bucket exists, and that "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which a pod has from its Secret, may write to it"
)
# A directory says it with the built-in class, a bucket with its own.
_MISSING = (NotFoundError, FileNotFoundError)


class StoredObjects:
    """The objects port over the place that a URL names. Construction touches nothing; `start` does."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("file", "s3"):
            raise InvalidArgument(f"blobs_url {url!r} is not supported; use file:///directory or s3://bucket/prefix")
        self._url = url
        self._directory = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._place = str(self._directory or url)

    async def start(self) -> None:
        """Make the directory, and see that the place takes writes; raises StorageFailed."""
        try:
            if self._directory is not None:
                self._directory.mkdir(parents=True, exist_ok=True)
                self._store: obstore.store.ObjectStore = LocalStore(self._directory)
            else:
                self._store = from_url(self._url)
        except (OSError, BaseError) as error:
            self._refuse(error)
        await self.put(".writable", b"")

    async def put(self, key: str, content: bytes | IO[bytes]) -> None:
        try:
            await obstore.put_async(self._store, key, content)
        except (OSError, BaseError) as error:
            self._refuse(error)

    async def get(self, key: str) -> bytes | None:
        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())
        except _MISSING:
            return None
        except (OSError, BaseError) as error:
            self._refuse(error)

    async def read(self, key: str) -> AsyncIterator[bytes]:
        try:
            found = await obstore.get_async(self._store, key)
            async for piece in found.stream(min_chunk_size=_CHUNK_BYTES):
                yield bytes(piece)
        except _MISSING as error:
            raise KeyError(key) from error
        except (OSError, BaseError) as error:
            self._refuse(error)

    async def exists(self, key: str) -> bool:
        try:
            await obstore.head_async(self._store, key)
        except _MISSING:
            return False
        except (OSError, BaseError) as error:
            self._refuse(error)
        return True

    def _refuse(self, error: Exception) -> NoReturn:
        cause = str(error).splitlines()[0]
        advice = _IN_DIRECTORY if self._directory is not None else _IN_BUCKET
        raise StorageFailed(
            f"cannot keep blobs in {self._place}: {cause}. {advice}, or set RATCHET_TRAJECTORY__BLOBS_URL to another "
            "place",
            place=self._place,
            cause=cause,
        ) from error
