"""TrajectoryService on the wire: requests to the domain and back, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as pb_grpc
from services.trajectory import blobs
from services.trajectory.datasets import Datasets
from services.trajectory.ports import Objects, Records
from services.trajectory.trajectories import Trajectories


class TrajectoryService(pb_grpc.TrajectoryServiceServicer):
    """The store over one database and one object store."""

    def __init__(self, records: Records, objects: Objects, compression_level: int = 3) -> None:
        self._blobs = blobs.Blobs(objects, compression_level)
        self._trajectories = Trajectories(records, self._blobs)
        self._datasets = Datasets(records, self._blobs)

    async def CreateTrajectory(self, request: pb.CreateTrajectoryRequest, context: Any) -> pb.CreateTrajectoryResponse:
        return pb.CreateTrajectoryResponse(trajectory=await self._trajectories.create(request.trajectory))

    async def GetTrajectory(self, request: pb.GetTrajectoryRequest, context: Any) -> pb.GetTrajectoryResponse:
        return pb.GetTrajectoryResponse(trajectory=await self._trajectories.get(request.name))

    async def ListTrajectories(self, request: pb.ListTrajectoriesRequest, context: Any) -> pb.ListTrajectoriesResponse:
        return await self._trajectories.page(request)

    async def PutBlob(self, requests: AsyncIterator[pb.PutBlobRequest], context: Any) -> pb.PutBlobResponse:
        first = await anext(requests, pb.PutBlobRequest())

        async def chunks() -> AsyncIterator[bytes]:
            yield first.chunk
            async for request in requests:
                yield request.chunk

        digest, size = await self._blobs.put_stream(chunks(), first.sha256)
        return pb.PutBlobResponse(name=f"blobs/{digest}", size_bytes=size)

    async def GetBlob(self, request: pb.GetBlobRequest, context: Any) -> AsyncIterator[pb.GetBlobResponse]:
        async for chunk in self._blobs.read(blobs.parse(request.name)):
            yield pb.GetBlobResponse(chunk=chunk)

    async def CreateDataset(self, request: pb.CreateDatasetRequest, context: Any) -> pb.CreateDatasetResponse:
        return pb.CreateDatasetResponse(dataset=await self._datasets.create(request.dataset))

    async def GetDataset(self, request: pb.GetDatasetRequest, context: Any) -> pb.GetDatasetResponse:
        return pb.GetDatasetResponse(dataset=await self._datasets.get(request.name))

    async def ListDatasets(self, request: pb.ListDatasetsRequest, context: Any) -> pb.ListDatasetsResponse:
        return await self._datasets.page(request)
