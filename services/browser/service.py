"""BrowserService: wire to domain and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1 import browser_service_pb2_grpc as pb_grpc
from services.browser import observation, openings
from services.browser.errors import SessionGone
from services.browser.nodes import Element
from services.browser.registry import Registry
from services.browser.sessions import Observation, Session
from services.browser.settings import BrowserSettings

if TYPE_CHECKING:
    from services.common.rpc.server import Context

SERVICE = "ratchet.browser.v1.BrowserService"
_MAX_NAME_CHARS = 500
_MAX_TEXT_BYTES = 3 * 1024 * 1024


class BrowserServicer(pb_grpc.BrowserServiceServicer):
    """See browser_service.proto."""

    def __init__(self, registry: Registry, settings: BrowserSettings) -> None:
        self._registry, self._settings = registry, settings

    async def CreateSession(self, request: pb.CreateSessionRequest, context: Context) -> pb.CreateSessionResponse:
        if request.observation_format:
            observation.check_format(request.observation_format)
        session = await self._registry.open(request.request_id, openings.read(request, self._settings))
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
        session = self._registry.get(request.session)
        return pb.ObserveResponse(observation=_wire(await session.observe(name, boxes=request.boxes)))

    async def Act(self, request: pb.ActRequest, context: Context) -> pb.ActResponse:
        if request.observation_format:
            observation.check_format(request.observation_format)
        outcome = await self._registry.get(request.session).act(
            request.action, request.observation_format, boxes=request.observation_boxes
        )
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


def _wire(seen: Observation) -> pb.Observation:
    return pb.Observation(
        format=seen.page.format,
        text=_bounded(seen.page.text),
        url=seen.url,
        title=seen.title,
        num_tabs=seen.num_tabs,
        active_tab=seen.active_tab,
        elapsed_s=seen.elapsed_s,
        elements=list(map(_element, seen.page.elements[:10_000])),
    )


def _element(found: Element) -> pb.Element:
    element = pb.Element(id=found.id, role=found.role, name=found.name[:_MAX_NAME_CHARS])
    if found.box is not None:
        x, y, width, height, *_ = found.box
        element.box.CopyFrom(pb.Box(x=x, y=y, width=width, height=height))
        element.in_view = found.box.is_in_view
    if found.value:
        element.value = found.value[:_MAX_NAME_CHARS]
    if found.states:
        element.states.extend(found.states)
    return element


def _bounded(text: str) -> str:
    """Text that fits a message; surrogates, which pages can make, cannot travel."""
    clean = text.encode("utf-8", "replace")
    return clean[:_MAX_TEXT_BYTES].decode("utf-8", "ignore")
