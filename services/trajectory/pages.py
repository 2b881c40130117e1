"""Pages of a list: sizes are coerced, tokens are opaque and belong to one query."""

from __future__ import annotations

import base64
import binascii
import hashlib

from services.common.errors import InvalidArgument

DEFAULT_SIZE = 100
MAX_SIZE = 1000
# A page stays under gRPC's 4 MB limit for a message, with room for the envelope.
MAX_BYTES = 3 * 1024 * 1024


def size(requested: int) -> int:
    """Rows on a page: 0 takes the default, too many are coerced; raises InvalidArgument when negative."""
    if requested < 0:
        raise InvalidArgument(f"page_size is {requested}; give 0 for the default, or a positive number")
    return min(requested or DEFAULT_SIZE, MAX_SIZE)


def token(query: object, last_seq: int) -> str:
    """The token for the page after `last_seq` of this query."""
    return base64.urlsafe_b64encode(f"{_fingerprint(query)}.{last_seq}".encode()).decode().rstrip("=")


def position(query: object, page_token: str) -> int:
    """The `last_seq` in a token, 0 for an empty one; raises InvalidArgument for a token of another query."""
    if not page_token:
        return 0
    try:
        padded = page_token + "=" * (-len(page_token) % 4)
        fingerprint, _, seq = base64.urlsafe_b64decode(padded.encode()).decode().partition(".")
    except (binascii.Error, UnicodeError):
        fingerprint, seq = "", ""
    if fingerprint != _fingerprint(query) or not seq.isdecimal():
        raise InvalidArgument(
            f"page_token {page_token!r} does not belong to this query; "
            "keep the filters of the first page, or start again without a token"
        )
    return int(seq)


def _fingerprint(query: object) -> str:
    return hashlib.sha256(repr(query).encode()).hexdigest()[:12]
