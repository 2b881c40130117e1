"""The serving room: one model in this process, adapters from the trajectory room."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from grpc import aio

from ratchet.serving.v1 import serving_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2_grpc as pb_grpc
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as trajectory_grpc
from services.common import settings
from services.common.rpc import Mount
from services.serving.adapters.arguments import unread
from services.serving.archives import Archives
from services.serving.loras import Loras
from services.serving.ports import Engine
from services.serving.service import ServingServicer
from services.serving.settings import ServingSettings

MODELS = Path(__file__).parents[2] / "serving" / "models"


def packaged_models() -> dict[str, Path]:
    """The base models that come with this distribution, by name."""
    return {path.parent.name: path.parent for path in sorted(MODELS.glob("*/config.json"))}


@asynccontextmanager
async def open_room(
    table: dict[str, Any], dial: Callable[[str], aio.Channel], home: Path
) -> AsyncIterator[list[Mount]]:
    """Loads the model, then serves it. Raises ModelNotFound and what else makes a model unusable."""
    # Read once, when torch is loaded: its threads are not to spin while browsers and trainers want the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    wanted = settings.load(ServingSettings, table)
    engine = _engine(wanted, home)
    archives = Archives(home / "serving" / "adapters", trajectory_grpc.TrajectoryServiceStub(dial("trajectory")))
    loras = Loras(engine, archives, wanted.max_adapters)
    servicer = ServingServicer(engine, loras, wanted.max_requests, wanted.deployed)
    await engine.start()
    try:
        await loras.restore()
        for digest in filter(None, wanted.deployed.roles().values()):
            await loras.load(digest, f"blobs/{digest}")
        service = pb.DESCRIPTOR.services_by_name["ServingService"].full_name
        mounts = [Mount(pb_grpc.add_ServingServiceServicer_to_server, servicer, service)]
        async with AsyncExitStack() as stack:
            if wanted.v2_listen:
                with unread():
                    from services.serving.adapters import v2
                served = v2.serving(servicer, loras, wanted.v2_listen, wanted.v2_name)
                mounts.append(await stack.enter_async_context(served))
            yield mounts
    finally:
        await engine.stop()


def _engine(wanted: ServingSettings, home: Path) -> Engine:
    known = {**packaged_models(), **wanted.models}
    if wanted.engine == "vllm":
        from services.serving.adapters.vllm import VllmEngine

        return VllmEngine(wanted, known)
    if wanted.engine == "openai":
        from services.serving.adapters.openai import OpenAIEngine

        return OpenAIEngine(wanted, known, home / "serving")
    from services.serving.adapters.transformers import TransformersEngine

    return TransformersEngine(wanted, known)
