"""CurationService on the wire: requests to the domain and back, nothing else."""

from __future__ import annotations

from typing import Any

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.curation.v1 import curation_service_pb2_grpc as pb_grpc
from services.curation import metrics
from services.curation.curating import Curator


class CurationService(pb_grpc.CurationServiceServicer):
    """Datasets on request."""

    def __init__(self, curator: Curator) -> None:
        self._curator = curator

    async def CurateDataset(self, request: pb.CurateDatasetRequest, context: Any) -> pb.CurateDatasetResponse:
        with metrics.CURATE_SECONDS.time():
            return await self._curator.curate(request)
