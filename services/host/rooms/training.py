"""The training room: jobs as child processes or Kubernetes Jobs, data and adapters in the trajectory room."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from grpc import aio

from ratchet.training.v1 import training_service_pb2 as pb
from ratchet.training.v1 import training_service_pb2_grpc as pb_grpc
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as trajectory_grpc
from services.common import settings
from services.common.errors import FailedPrecondition
from services.common.rpc import Mount
from services.host.rooms.serving import packaged_models
from services.training.ports import Launcher
from services.training.running import Runs
from services.training.service import TrainingServicer
from services.training.settings import TrainingSettings


@asynccontextmanager
async def open_room(
    table: dict[str, Any], dial: Callable[[str], aio.Channel], home: Path
) -> AsyncIterator[list[Mount]]:
    """Goes on with the jobs that were not over, then takes new ones."""
    wanted = settings.load(TrainingSettings, table)
    store = trajectory_grpc.TrajectoryServiceStub(dial("trajectory"))
    known = {**packaged_models(), **wanted.models}
    runs = Runs(home / "training", wanted, known, _launcher(wanted), store)
    await runs.start()
    try:
        service = pb.DESCRIPTOR.services_by_name["TrainingService"].full_name
        yield [Mount(pb_grpc.add_TrainingServiceServicer_to_server, TrainingServicer(runs), service)]
    finally:
        await runs.stop()


def _launcher(wanted: TrainingSettings) -> Launcher:
    """Raises FailedPrecondition where there is no cluster, InvalidArgument for a wrong template."""
    if wanted.launcher == "process":
        from services.training.adapters.process import ChildLauncher

        return ChildLauncher()
    if importlib.util.find_spec("kubernetes") is None:
        raise FailedPrecondition(
            f"training.launcher {wanted.launcher} needs the Kubernetes client: pip install 'ratchet-agent[jobs]'"
        )
    from services.training.adapters.kubernetes import JobLauncher

    return JobLauncher(wanted)
