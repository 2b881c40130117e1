"""Calls that keep to one process of a room, the one that already has what they ask about: consistent hashing by gRPC.

Invariant: calls of one key go to one process as long as it is there and has a place; one that comes or goes moves its
own share of the keys only. Source: gRFC A76, ring_hash by a request's header.
"""

from __future__ import annotations

import os
from typing import Any

_HEADER = "x-ratchet-affinity"
# gRPC reads the header only where this is set when the channel is made.
os.environ.setdefault("GRPC_EXPERIMENTAL_RING_HASH_SET_REQUEST_HASH_KEY", "true")

POLICY: dict[str, Any] = {"ring_hash_experimental": {"requestHashHeader": _HEADER}}


def keyed(key: str, num_refusals: int = 0) -> tuple[tuple[str, str], ...]:
    """Metadata of a call that keeps to its key's process; where that had no place, to the key's next one."""
    return ((_HEADER, f"{key}/{num_refusals}" if num_refusals else key),)
