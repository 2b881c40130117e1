"""IterationService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1 import iteration_service_pb2_grpc
from services.common.errors import InvalidArgument, NotFound
from services.orchestrator import defaults
from services.orchestrator.engine import Engine
from services.orchestrator.services import Services

Context = aio.ServicerContext[Any, Any]


class IterationServicer(iteration_service_pb2_grpc.IterationServiceServicer):
    """See the proto."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services, self._engine = services, engine

    async def CreateIteration(self, request: pb.CreateIterationRequest, context: Context) -> pb.CreateIterationResponse:
        spec = await defaults.iteration(self._services, request.spec)
        return pb.CreateIterationResponse(iteration=await self._engine.create_iteration(spec, request.request_id))

    async def GetIteration(self, request: pb.GetIterationRequest, context: Context) -> pb.GetIterationResponse:
        registry = self._services.registry
        if request.name or not request.request_id:
            return pb.GetIterationResponse(iteration=await registry.get(pb.Iteration, request.name))
        if found := await registry.by_request(pb.Iteration, request.request_id):
            return pb.GetIterationResponse(iteration=found)
        raise NotFound(f"no iteration was made by the request {request.request_id!r}", request_id=request.request_id)

    async def ListIterations(self, request: pb.ListIterationsRequest, context: Context) -> pb.ListIterationsResponse:
        found, token = await self._services.registry.page(pb.Iteration, request.page_size, request.page_token)
        return pb.ListIterationsResponse(iterations=found, next_page_token=token)

    async def CancelIteration(self, request: pb.CancelIterationRequest, context: Context) -> pb.CancelIterationResponse:
        found = await self._services.registry.get(pb.Iteration, request.name)
        return pb.CancelIterationResponse(iteration=await self._engine.cancel(found))

    async def ResumeIteration(self, request: pb.ResumeIterationRequest, context: Context) -> pb.ResumeIterationResponse:
        return pb.ResumeIterationResponse(iteration=await self._engine.resume(request.name))

    async def WatchIteration(
        self, request: pb.WatchIterationRequest, context: Context
    ) -> AsyncIterator[pb.WatchIterationResponse]:
        if request.resume_token and not request.resume_token.isdigit():
            raise InvalidArgument(f"{request.resume_token!r} is no resume token; leave it empty to begin anew")
        after = int(request.resume_token or 0)
        async for iteration, version in self._services.registry.watch(pb.Iteration, request.name, after):
            yield pb.WatchIterationResponse(iteration=iteration, resume_token=str(version))
