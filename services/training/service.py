"""TrainingService on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, TypeAlias

from grpc import aio

from ratchet.training.v1 import training_service_pb2 as pb
from ratchet.training.v1 import training_service_pb2_grpc as pb_grpc
from services.common.errors import InvalidArgument
from services.training.running import Runs

Context: TypeAlias = "aio.ServicerContext[Any, Any]"
_PAGE_SIZE, _MAX_PAGE_SIZE = 50, 500


class TrainingServicer(pb_grpc.TrainingServiceServicer):
    """The room's jobs behind the contract."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    async def CreateTrainingJob(
        self, request: pb.CreateTrainingJobRequest, context: Context
    ) -> pb.CreateTrainingJobResponse:
        if request.validate_only:
            return pb.CreateTrainingJobResponse(training_job=pb.TrainingJob(spec=self._runs.complete(request.spec)))
        job = await self._runs.create(request.request_id, request.spec)
        return pb.CreateTrainingJobResponse(training_job=job.message())

    async def GetTrainingJob(self, request: pb.GetTrainingJobRequest, context: Context) -> pb.GetTrainingJobResponse:
        return pb.GetTrainingJobResponse(training_job=self._runs.get(request.name).message())

    async def ListTrainingJobs(
        self, request: pb.ListTrainingJobsRequest, context: Context
    ) -> pb.ListTrainingJobsResponse:
        if request.page_size < 0:
            raise InvalidArgument(f"page_size is {request.page_size}; use 0 for the default")
        size = min(request.page_size or _PAGE_SIZE, _MAX_PAGE_SIZE)
        after = request.page_token
        jobs = [job for job in self._runs.newest() if not after or job.record.id < after]
        page, more = jobs[:size], len(jobs) > size
        messages = [job.message() for job in page]
        for message in messages:  # the curve is on the job itself
            del message.points[:]
        return pb.ListTrainingJobsResponse(training_jobs=messages, next_page_token=page[-1].record.id if more else "")

    async def CancelTrainingJob(
        self, request: pb.CancelTrainingJobRequest, context: Context
    ) -> pb.CancelTrainingJobResponse:
        job = await self._runs.cancel(request.name)
        return pb.CancelTrainingJobResponse(training_job=job.message())

    async def WatchTrainingJob(
        self, request: pb.WatchTrainingJobRequest, context: Context
    ) -> AsyncIterator[pb.WatchTrainingJobResponse]:
        async for job in self._runs.watch(request.name):
            yield pb.WatchTrainingJobResponse(training_job=job.message())
