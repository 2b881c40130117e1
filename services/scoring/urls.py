"""Judges the URL at which an episode ended.

Invariant: URLs are compared as parsed, never as text: host, path by whole segments, query by key and value
(but for the one function that does what WebArena does).
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

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


def reached(reference: str, found: str, note: str | None) -> bool:
    """Whether any alternative (" |OR| ") is met, host, path and query together."""
    return any(matches(alternative, found, exact=note == "EXACT") for alternative in reference.split(OR))


def reached_in_webarena(reference: str, found: str, note: str | None) -> bool:
    """WebArena's "GOLD in PRED": an alternative's host and path stand anywhere in the found ones, and each key of any
    alternative's query has one of its values. Its tasks' other note, EXACT, is not known there and read as this one.
    """
    del note
    try:
        place, given = _place(found)
        alternatives = [_place(alternative) for alternative in reference.split(OR)]
    except ValueError:
        return False
    wanted: dict[str, set[str]] = {}
    for _, query in alternatives:
        for key, values in query.items():
            wanted.setdefault(key, set()).update(values)
    in_place = any(alternative in place for alternative, _ in alternatives)
    return in_place and all(values & set(given.get(key, ())) for key, values in wanted.items())


def _place(url: str) -> tuple[str, dict[str, list[str]]]:
    parts = urlsplit(url.rstrip("/"))
    return parts.netloc + parts.path, parse_qs(parts.query)
