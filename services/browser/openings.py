"""What CreateSession asks for, checked field by field.

Invariant: what comes out can be opened as far as can be known without a browser; what is refused names its field and
what to write instead.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser.addresses import Addresses, Site
from services.browser.ports import ContextOptions, Geolocation
from services.browser.registry import Opening
from services.browser.settings import BrowserSettings
from services.common.errors import InvalidArgument

PERMISSIONS = ("geolocation", "notifications", "clipboard-read", "clipboard-write")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,4}")
_TIMEZONE = re.compile(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}")
# Years that every part of Chromium can count in.
_FIRST_YEAR, _LAST_YEAR = 1971, 9998
_MAX_FILES = 100
_MAX_FILES_BYTES = 2 * 1024 * 1024
_MAX_NAME_BYTES = 200
# Separators, and what some file system or other does not take.
_NOT_IN_NAMES = re.compile(r"[/\\:\x00-\x1f\x7f]")


def read(request: pb.CreateSessionRequest, settings: BrowserSettings) -> Opening:
    """The request's meaning. Raises InvalidArgument naming the field."""
    addresses = _addresses(request)
    if request.budget_s < 0:
        raise InvalidArgument(f"budget_s is {request.budget_s:g}; use seconds, or 0 for the default")
    width = request.viewport_width or settings.viewport_width
    height = request.viewport_height or settings.viewport_height
    if not (100 <= width <= 10_000 and 100 <= height <= 10_000):
        raise InvalidArgument(f"a viewport of {width} x {height} is not possible; use 100 to 10000")
    geolocation = _geolocation(request.geolocation) if request.HasField("geolocation") else None
    options = ContextOptions(
        origins=addresses.origins,
        storage_state=_storage_state(request.storage_state_json),
        headers=dict(request.headers),
        viewport=(width, height),
        files=_files(request.files),
        locale=_matching("locale", request.locale or "en-US", _LOCALE, 'a language tag such as "de-DE"'),
        timezone=_matching("timezone_id", request.timezone_id or "UTC", _TIMEZONE, 'a name such as "Europe/Berlin"'),
        permissions=_permissions([*request.permissions, *(["geolocation"] if geolocation else [])]),
        geolocation=geolocation,
        clock_start_s=_clock_start_s(request.clock_start),
    )
    return Opening(addresses, options, request.start_url, request.budget_s)


def _addresses(request: pb.CreateSessionRequest) -> Addresses:
    if not request.sites:
        raise InvalidArgument("sites is empty; name at least one site that the session may reach")
    sites = tuple(Site(site.display_url.rstrip("/"), site.real_url.rstrip("/")) for site in request.sites)
    try:
        addresses = Addresses(sites)
    except ValueError as error:
        raise InvalidArgument(f"sites: {error}") from error
    try:
        addresses.real(request.start_url)
    except ValueError as error:
        raise InvalidArgument(f"start_url: {error}") from error
    return addresses


def _matching(field: str, value: str, pattern: re.Pattern[str], wanted: str) -> str:
    if not pattern.fullmatch(value):
        raise InvalidArgument(f"{field} is {value[:80]!r}; use {wanted}")
    return value


def _permissions(asked: list[str]) -> tuple[str, ...]:
    unknown = sorted(set(asked) - set(PERMISSIONS))
    if unknown:
        raise InvalidArgument(f"permissions: {unknown[0]!r} cannot be given; use {', '.join(PERMISSIONS)}")
    return tuple(sorted(set(asked)))


def _geolocation(sent: pb.Geolocation) -> Geolocation:
    if not (abs(sent.latitude) <= 90 and abs(sent.longitude) <= 180):
        raise InvalidArgument(
            f"geolocation: {sent.latitude:g}, {sent.longitude:g} is no place; use degrees, at most 90 and 180"
        )
    if not (0 <= sent.accuracy_m < math.inf):
        raise InvalidArgument(f"geolocation: an accuracy of {sent.accuracy_m:g} m is not possible; use 0 or more")
    return Geolocation(sent.latitude, sent.longitude, sent.accuracy_m)


def _clock_start_s(text: str) -> float | None:
    if not text:
        return None
    wrong = f"clock_start is {text[:80]!r}; use RFC 3339 with an offset, e.g. 2024-03-02T09:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidArgument(wrong) from error
    if moment.tzinfo is None or "T" not in text.upper():
        raise InvalidArgument(wrong)
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise InvalidArgument(f"clock_start is in {moment.year}; use a year from {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment.timestamp()


def _files(sent: Iterable[pb.File]) -> dict[str, bytes]:
    """Contents by name. Raises InvalidArgument naming what is wrong."""
    files: dict[str, bytes] = {}
    for file in sent:
        name = file.name
        if not name.strip(" .") or name != name.strip() or _NOT_IN_NAMES.search(name):
            raise InvalidArgument(f"files: {name!r} is no file name; use one without / \\ : and line breaks")
        if len(name.encode()) > _MAX_NAME_BYTES:
            raise InvalidArgument(f"files: {name[:40]!r}... is too long; use at most {_MAX_NAME_BYTES} bytes")
        if name in files:
            raise InvalidArgument(f"files: {name!r} is there twice; give each file a name of its own")
        files[name] = file.content
    size = sum(map(len, files.values()))
    if size > _MAX_FILES_BYTES or len(files) > _MAX_FILES:
        raise InvalidArgument(
            f"files: {len(files)} of {size} bytes together; send at most {_MAX_FILES} of {_MAX_FILES_BYTES} bytes"
        )
    return files


def _storage_state(text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    try:
        state = json.loads(text)
    except ValueError as error:
        raise InvalidArgument(f"storage_state_json is not JSON: {error}") from error
    if not isinstance(state, dict) or not set(state) <= {"cookies", "origins"}:
        raise InvalidArgument("storage_state_json is not a storage state: an object with cookies and origins")
    return {"cookies": state.get("cookies") or [], "origins": state.get("origins") or []}
