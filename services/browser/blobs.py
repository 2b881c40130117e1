"""What is too large for a message, kept for as long as its session lives.

Invariant: a name leads to exactly the bytes that it was given for; at most `max_bytes` are held, the oldest go first.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from typing import NamedTuple

from services.browser.errors import BlobGone
from services.common.errors import InvalidArgument

_NAME = re.compile(r"(sessions/[^/]+)/blobs/([0-9a-f]{64})")


class Blob(NamedTuple):
    """Where some bytes are kept."""

    # sessions/{s}/blobs/{sha256}; empty for bytes that are larger than what is held.
    name: str
    size_bytes: int
    media_type: str


class Blobs:
    """The blobs of one session."""

    def __init__(self, session: str, max_bytes: int) -> None:
        self._session, self._max_bytes = session, max_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._num_bytes = 0

    def put(self, data: bytes, media_type: str) -> Blob:
        """Hold the bytes; what was held longest goes to make room."""
        if len(data) > self._max_bytes:
            return Blob("", len(data), media_type)
        digest = hashlib.sha256(data).hexdigest()
        if digest in self._held:
            self._held.move_to_end(digest)
        else:
            self._held[digest] = data
            self._num_bytes += len(data)
        while self._num_bytes > self._max_bytes:
            _, oldest = self._held.popitem(last=False)
            self._num_bytes -= len(oldest)
        return Blob(f"{self._session}/blobs/{digest}", len(data), media_type)

    def get(self, digest: str) -> bytes:
        """The bytes of that digest. Raises BlobGone."""
        data = self._held.get(digest)
        if data is None:
            name = f"{self._session}/blobs/{digest}"
            raise BlobGone(
                f"{name} is not kept: a session holds {self._max_bytes} bytes, and later ones took its place; observe, "
                "probe or photograph again, or raise RATCHET_BROWSER__MAX_BLOB_BYTES",
                name=name,
            )
        return data

    def clear(self) -> None:
        """Hold nothing any more."""
        self._held.clear()
        self._num_bytes = 0


def parse(name: str) -> tuple[str, str]:
    """The session's name and the digest in a blob's. Raises InvalidArgument."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidArgument(f"{name!r} is not a blob's name of the form sessions/{{s}}/blobs/{{sha256}}", name=name)
    return match[1], match[2]
