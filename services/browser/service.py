"""BrowserService: wire to domain and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1 import browser_service_pb2_grpc as pb_grpc
from services.browser import blobs, observation, openings, wire
from services.browser.errors import SessionGone
from services.browser.registry import Registry
from services.browser.sessions import Session
from services.browser.settings import BrowserSettings
from services.common.errors import InvalidArgument

if TYPE_CHECKING:
    from services.common.rpc.server import Context

SERVICE = "ratchet.browser.v1.BrowserService"
_CHUNK_BYTES = 1_000_000


class BrowserServicer(pb_grpc.BrowserServiceServicer):
    """See browser_service.proto."""

    def __init__(self, registry: Registry, settings: BrowserSettings) -> None:
        self._registry, self._settings = registry, settings

    async def CreateSession(self, request: pb.CreateSessionRequest, context: Context) -> pb.CreateSessionResponse:
        if request.observation_format:
            observation.check_format(request.observation_format)
        session = await self._registry.open(request.request_id, openings.read(request, self._settings))
        response = pb.CreateSessionResponse(session=session.name, address=self._settings.address)
        try:
            if request.observation_format:
                seen = await session.observe(request.observation_format)
                wire.observe(response.observation, seen, session.blobs)
        except BaseException:
            # The caller never learns the name: nobody else would close it.
            await self._delete(session)
            raise
        return response

    async def Observe(self, request: pb.ObserveRequest, context: Context) -> pb.ObserveResponse:
        response = pb.ObserveResponse()
        await self._observe(request, response)
        return response

    async def Act(self, request: pb.ActRequest, context: Context) -> pb.ActResponse:
        response = pb.ActResponse()
        await self._act(request, response)
        return response

    async def Interact(
        self, requests: AsyncIterator[pb.InteractRequest], context: Context
    ) -> AsyncIterator[pb.InteractResponse]:
        async for request in requests:
            response = pb.InteractResponse()
            match request.WhichOneof("request"):
                case "act":
                    await self._act(request.act, response.act)
                case "observe":
                    await self._observe(request.observe, response.observe)
                case _:
                    raise InvalidArgument("an interaction has neither an act nor an observe; set one")
            yield response

    async def Probe(self, request: pb.ProbeRequest, context: Context) -> pb.ProbeResponse:
        session = self._registry.get(request.session)
        probed = await session.probe(request.url, request.locator, list(request.prep_actions))
        return wire.probe(probed, session.blobs)

    async def TakeScreenshot(self, request: pb.TakeScreenshotRequest, context: Context) -> pb.TakeScreenshotResponse:
        session = self._registry.get(request.session)
        if request.marks:
            image, found = await session.marked(full_page=request.full_page)
        else:
            image, found = await session.screenshot(full_page=request.full_page), []
        return await asyncio.to_thread(wire.screenshot, image, found, session.blobs)

    async def ReadBlob(self, request: pb.ReadBlobRequest, context: Context) -> AsyncIterator[pb.ReadBlobResponse]:
        name, digest = blobs.parse(request.name)
        data = self._registry.get(name).blobs.get(digest)
        for start in range(0, len(data), _CHUNK_BYTES):
            yield pb.ReadBlobResponse(chunk=data[start : start + _CHUNK_BYTES])

    async def DeleteSession(self, request: pb.DeleteSessionRequest, context: Context) -> pb.DeleteSessionResponse:
        gone = SessionGone(f"{request.session} was deleted", session=request.session)
        await self._registry.end(request.session, gone)
        return pb.DeleteSessionResponse()

    # Answers are written into a message where they stay: an observation's copy would cost more than all else here.

    async def _observe(self, request: pb.ObserveRequest, into: pb.ObserveResponse) -> None:
        name = observation.check_format(request.format)
        session = self._registry.get(request.session)
        seen = await session.observe(name, boxes=request.boxes)
        wire.observe(into.observation, seen, session.blobs)

    async def _act(self, request: pb.ActRequest, into: pb.ActResponse) -> None:
        if request.observation_format:
            observation.check_format(request.observation_format)
        session = self._registry.get(request.session)
        outcome = await session.act(request.action, request.observation_format, boxes=request.observation_boxes)
        into.error, into.elapsed_s, into.action = outcome.error, outcome.elapsed_s, outcome.action
        into.events.extend(outcome.events)
        if outcome.observation is not None:
            wire.observe(into.observation, outcome.observation, session.blobs)

    async def _delete(self, session: Session) -> None:
        await self._registry.end(session.name, SessionGone(f"{session.name} was not opened", session=session.name))
