"""Judges the URL at which an episode ended.

Invariant: URLs are compared as parsed, never as text: host, path by whole segments, query by key and value.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from services.scoring.tasks import OR


class Address(NamedTuple):
    """What counts of a URL; scheme and fragment do not."""

    host: str
    # Non-empty segments, decoded.
    path: tuple[str, ...]
    # Keys and values that are not empty.
    query: frozenset[tuple[str, str]]


def parse(url: str) -> Address | None:
    """The parts that count, or None for something that is no URL."""
    try:
        parts = urlsplit(url.strip())
        host = parts.netloc.rpartition("@")[2].lower()
        query = frozenset(parse_qsl(parts.query))
    except ValueError:
        return None
    path = tuple(unquote(segment) for segment in parts.path.split("/") if segment)
    return Address(host, path, query) if host else None


def matches(reference: str, found: str, *, exact: bool = False) -> bool:
    """Whether `found` is the reference or below it, and has its query; with `exact`, path and query are equal.

    A reference without a path is met by the front page only.
    """
    wanted, given = parse(reference), parse(found)
    if wanted is None or given is None or wanted.host != given.host:
        return False
    if exact or not wanted.path:
        same_query = wanted.query == given.query if exact else wanted.query <= given.query
        return wanted.path == given.path and same_query
    return given.path[: len(wanted.path)] == wanted.path and wanted.query <= given.query


def judge(reference: str, found: str, note: str | None) -> tuple[bool, str]:
    """Whether any alternative (" |OR| ") is met, and what was wanted and found."""
    passed = any(matches(alternative, found, exact=note == "EXACT") for alternative in reference.split(OR))
    return passed, f"ended at {found}" + ("" if passed else f", wanted {reference}")
