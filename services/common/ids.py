"""Identifiers: short, lower-case, sortable by time of creation."""

from __future__ import annotations

import re
import secrets
import time

from services.common.errors import InvalidArgument

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SEGMENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


def new_id() -> str:
    """13 characters: 8 of time in milliseconds, 5 random; sorts by age."""
    millis, text = int(time.time() * 1000), ""
    for _ in range(8):
        text = _ALPHABET[millis & 31] + text
        millis >>= 5
    return text + "".join(secrets.choice(_ALPHABET) for _ in range(5))


def parse(name: str, *collections: str) -> tuple[str, ...]:
    """The ids in a resource name: parse("iterations/a/steps/b", "iterations", "steps") -> ("a", "b").

    Raises InvalidArgument when the name has another shape.
    """
    parts = name.split("/")
    wanted = "/".join(f"{collection}/{{id}}" for collection in collections)
    if len(parts) != 2 * len(collections) or tuple(parts[::2]) != collections:
        raise InvalidArgument(f"{name!r} is not a resource name of the form {wanted}", name=name)
    for part in parts[1::2]:
        if not _SEGMENT.fullmatch(part):
            raise InvalidArgument(f"{name!r} holds the id {part!r}; use a-z, 0-9, '.', '_' and '-'", name=name)
    return tuple(parts[1::2])
