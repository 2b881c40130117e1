"""BrowserService: wire to domain and back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1 import browser_service_pb2_grpc as pb_grpc
from services.browser import observation
from services.browser.addresses import Addresses, Site
from services.browser.errors import SessionGone
from services.browser.ports import ContextOptions
from services.browser.registry import Opening, Registry
from services.browser.sessions import Observation, Session
from services.browser.settings import BrowserSettings
from services.common.errors import InvalidArgument

if TYPE_CHECKING:
    from services.common.rpc.server import Context

SERVICE = "ratchet.browser.v1.BrowserService"
_MAX_TEXT_BYTES = 3 * 1024 * 1024
_MAX_FILES = 100
_MAX_FILES_BYTES = 2 * 1024 * 1024
_MAX_NAME_BYTES = 200
# Separators, and what some file system or other does not take.
_NOT_IN_NAMES = re.compile(r"[/\\:\x00-\x1f\x7f]")


class BrowserServicer(pb_grpc.BrowserServiceServicer):
    """See browser_service.proto."""

    def __init__(self, registry: Registry, settings: BrowserSettings) -> None:
        self._registry, self._settings = registry, settings

    async def CreateSession(self, request: pb.CreateSessionRequest, context: Context) -> pb.CreateSessionResponse:
        if request.observation_format:
            observation.check_format(request.observation_format)
        session = await self._registry.open(request.request_id, self._opening(request))
        response = pb.CreateSessionResponse(session=session.name)
        try:
            if request.observation_format:
                response.observation.CopyFrom(_wire(await session.observe(request.observation_format)))
        except BaseException:
            # The caller never learns the name: nobody else would close it.
            await self._delete(session)
            raise
        return response

    async def Observe(self, request: pb.ObserveRequest, context: Context) -> pb.ObserveResponse:
        name = observation.check_format(request.format)
        return pb.ObserveResponse(observation=_wire(await self._registry.get(request.session).observe(name)))

    async def Act(self, request: pb.ActRequest, context: Context) -> pb.ActResponse:
        if request.observation_format:
            observation.check_format(request.observation_format)
        outcome = await self._registry.get(request.session).act(request.action, request.observation_format)
        return pb.ActResponse(
            error=outcome.error,
            observation=_wire(outcome.observation) if outcome.observation else None,
            elapsed_s=outcome.elapsed_s,
            events=outcome.events,
            action=outcome.action,
        )

    async def Probe(self, request: pb.ProbeRequest, context: Context) -> pb.ProbeResponse:
        session = self._registry.get(request.session)
        probed = await session.probe(request.url, request.locator, list(request.prep_actions))
        return pb.ProbeResponse(content=_bounded(probed.content), url=probed.url, error=probed.error)

    async def TakeScreenshot(self, request: pb.TakeScreenshotRequest, context: Context) -> pb.TakeScreenshotResponse:
        image = await self._registry.get(request.session).screenshot(full_page=request.full_page)
        return pb.TakeScreenshotResponse(image=image, media_type="image/jpeg")

    async def DeleteSession(self, request: pb.DeleteSessionRequest, context: Context) -> pb.DeleteSessionResponse:
        gone = SessionGone(f"{request.session} was deleted", session=request.session)
        await self._registry.end(request.session, gone)
        return pb.DeleteSessionResponse()

    async def _delete(self, session: Session) -> None:
        await self._registry.end(session.name, SessionGone(f"{session.name} was not opened", session=session.name))

    def _opening(self, request: pb.CreateSessionRequest) -> Opening:
        """The request's meaning. Raises InvalidArgument naming the field."""
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
        if request.budget_s < 0:
            raise InvalidArgument(f"budget_s is {request.budget_s:g}; use seconds, or 0 for the default")
        width = request.viewport_width or self._settings.viewport_width
        height = request.viewport_height or self._settings.viewport_height
        if not (100 <= width <= 10_000 and 100 <= height <= 10_000):
            raise InvalidArgument(f"a viewport of {width} x {height} is not possible; use 100 to 10000")
        options = ContextOptions(
            origins=addresses.origins,
            storage_state=_storage_state(request.storage_state_json),
            headers=dict(request.headers),
            viewport=(width, height),
            files=_files(request.files),
        )
        return Opening(addresses, options, request.start_url, request.budget_s)


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


def _wire(seen: Observation) -> pb.Observation:
    return pb.Observation(
        format=seen.page.format,
        text=_bounded(seen.page.text),
        url=seen.url,
        title=seen.title,
        num_tabs=seen.num_tabs,
        active_tab=seen.active_tab,
        elapsed_s=seen.elapsed_s,
        elements=[pb.Element(id=e.id, role=e.role, name=e.name[:500]) for e in seen.page.elements[:10_000]],
    )


def _bounded(text: str) -> str:
    """Text that fits a message; surrogates, which pages can make, cannot travel."""
    clean = text.encode("utf-8", "replace")
    return clean[:_MAX_TEXT_BYTES].decode("utf-8", "ignore")
