"""EvaluationService."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from grpc import aio

from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb
from ratchet.orchestrator.v1 import evaluation_service_pb2_grpc
from services.common import ids
from services.orchestrator import defaults
from services.orchestrator.engine import Engine
from services.orchestrator.services import Services

Context = aio.ServicerContext[Any, Any]


class EvaluationServicer(evaluation_service_pb2_grpc.EvaluationServiceServicer):
    """See the proto."""

    def __init__(self, services: Services, engine: Engine) -> None:
        self._services, self._engine = services, engine

    async def CreateEvaluation(
        self, request: pb.CreateEvaluationRequest, context: Context
    ) -> pb.CreateEvaluationResponse:
        spec = await defaults.evaluation(self._services, request.spec)
        made = pb.Evaluation(name=f"evaluations/{ids.new_id()}", state=pb.Evaluation.STATE_RUNNING, spec=spec)
        made.create_time.GetCurrentTime()
        return pb.CreateEvaluationResponse(evaluation=await self._engine.create_evaluation(made, request.request_id))

    async def GetEvaluation(self, request: pb.GetEvaluationRequest, context: Context) -> pb.GetEvaluationResponse:
        return pb.GetEvaluationResponse(evaluation=await self._services.registry.get(pb.Evaluation, request.name))

    async def ListEvaluations(self, request: pb.ListEvaluationsRequest, context: Context) -> pb.ListEvaluationsResponse:
        found, token = await self._services.registry.page(pb.Evaluation, request.page_size, request.page_token)
        return pb.ListEvaluationsResponse(evaluations=found, next_page_token=token)

    async def WatchEvaluation(
        self, request: pb.WatchEvaluationRequest, context: Context
    ) -> AsyncIterator[pb.WatchEvaluationResponse]:
        async for evaluation, _version in self._services.registry.watch(pb.Evaluation, request.name):
            yield pb.WatchEvaluationResponse(evaluation=evaluation)

    async def CancelEvaluation(
        self, request: pb.CancelEvaluationRequest, context: Context
    ) -> pb.CancelEvaluationResponse:
        found = await self._services.registry.get(pb.Evaluation, request.name)
        return pb.CancelEvaluationResponse(evaluation=await self._engine.cancel(found))
