"""The operator: resources of a Kubernetes namespace on one side, the orchestrator on the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from services.common import settings
from services.common.rpc import Dial, Mount


@asynccontextmanager
async def open_room(table: dict[str, Any], dial: Dial, home: Path) -> AsyncIterator[list[Mount]]:
    """Answers for the resources until the block ends; nobody calls it, so there is nothing to mount."""
    from services.operator.adapters.kubernetes import watching
    from services.operator.reconciling import Reconciler
    from services.operator.runs import Runs
    from services.operator.settings import OperatorSettings

    del home
    own = settings.load(OperatorSettings, table)
    async with watching(Reconciler(Runs(IterationServiceStub(dial("orchestrator"))), own), own):
        yield []
