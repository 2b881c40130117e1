"""The Open Inference Protocol v2 over the room's engine, by KServe's own model server, so that KServe's tools fit.

Models are the deployed policy under the room's v2 name, "base", and each adapter under its digest. Of
`kserve.ModelServer` the host takes the data plane and the endpoints; its `start` would take the process (loop, signals,
exit). Invariant: a request is admitted, answered and counted as one of ServingService.Generate.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import kserve
import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from kserve.errors import InvalidInput
from kserve.protocol.grpc import grpc_predict_v2_pb2 as v2
from kserve.protocol.grpc import grpc_predict_v2_pb2_grpc as v2_grpc
from kserve.protocol.grpc.servicer import InferenceServicer
from kserve.protocol.rest.v2_endpoints import register_v2_endpoints
from starlette.responses import JSONResponse

from services.common.errors import InvalidArgument, RatchetError
from services.common.rpc import AddressInUse, Mount
from services.common.telemetry import log
from services.serving.adapters import v2_tensors
from services.serving.deployed import DEPLOYED
from services.serving.loras import AdapterNotLoaded, Loras
from services.serving.service import ServingServicer

_BASE = "base"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DRAIN_S = 5
_STATUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}


class _Policy(kserve.Model):  # type: ignore[misc]
    """One name of the protocol."""

    def __init__(self, name: str, adapter: str, servicer: ServingServicer) -> None:
        super().__init__(name)
        self.ready = True
        self._adapter, self._servicer = adapter, servicer

    def get_input_types(self) -> list[dict[str, Any]]:
        return v2_tensors.INPUTS

    def get_output_types(self) -> list[dict[str, Any]]:
        return v2_tensors.OUTPUTS

    async def predict(
        self, payload: kserve.InferRequest, headers: dict[str, str] | None = None, response_headers: Any = None
    ) -> kserve.InferResponse:
        del headers, response_headers
        asked = v2_tensors.requests(payload, self._adapter)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._servicer.answer(each)) for each in asked]
        except* RatchetError as errors:
            raise errors.exceptions[0] from None
        return v2_tensors.response(payload, self.name, [task.result() for task in tasks])


class _Policies(kserve.ModelRepository):  # type: ignore[misc]
    """The names that there are now."""

    def __init__(self, servicer: ServingServicer, loras: Loras, name: str) -> None:
        super().__init__()
        self._servicer, self._loras = servicer, loras
        self._named = {name: DEPLOYED, _BASE: ""}

    def get_model(self, name: str) -> _Policy:
        """Raises AdapterNotLoaded, saying what there is."""
        adapter = self._named.get(name, name)
        if name not in self._named and not _DIGEST.fullmatch(name):
            raise AdapterNotLoaded(f"there is no model {name!r}; there are {', '.join(self.get_models())}", model=name)
        return _Policy(name, adapter, self._servicer)

    def get_models(self) -> dict[str, _Policy]:
        return {name: self.get_model(name) for name in (*self._named, *self._loras.digests())}

    async def is_model_ready(self, name: str) -> bool:
        """Whether it answers; an adapter that was loaded elsewhere is loaded here. Raises AdapterNotLoaded."""
        self.get_model(name)
        async with self._loras.use("" if name in self._named else name):
            return True

    def unload(self, name: str) -> None:
        raise InvalidArgument(f"{name} is not unloaded by this protocol; ServingService.UnloadAdapter does")


class _Servicer(InferenceServicer):  # type: ignore[misc]
    """KServe's, with its own complaints in our words; the server tells the rest."""

    async def ModelInfer(self, request: v2.ModelInferRequest, context: Any) -> v2.ModelInferResponse:
        try:
            await self._data_plane.model_ready(request.model_name)
            return await super().ModelInfer(request, context)
        except InvalidInput as error:
            raise InvalidArgument(str(error)) from error


class _Server(uvicorn.Server):
    """Leaves the process's signals to whoever hosts it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(servicer: ServingServicer, loras: Loras, listen: str, name: str) -> AsyncIterator[Mount]:
    """Serve HTTP while the block runs; yields the protocol's gRPC, for the room's server. Raises AddressInUse."""
    # KServe would configure every logger otherwise.
    logging.getLogger("kserve").addHandler(logging.NullHandler())
    server = kserve.ModelServer(registered_models=_Policies(servicer, loras, name), enable_grpc=False)
    config = uvicorn.Config(
        _application(server),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_DRAIN_S,
    )
    http, bound = _Server(config), _bind(listen)
    task = asyncio.create_task(http.serve(sockets=[bound]))
    log().info("open inference protocol", listen=listen, model=name)
    try:
        service = v2.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name
        rpcs = _Servicer(server.dataplane, server.model_repository_extension)
        yield Mount(v2_grpc.add_GRPCInferenceServiceServicer_to_server, rpcs, service)
    finally:
        http.should_exit = True
        await task


def _application(server: kserve.ModelServer) -> FastAPI:
    app = FastAPI(title="Ratchet", docs_url=None, redoc_url=None)
    register_v2_endpoints(app, server.dataplane, server.model_repository_extension)

    async def refused(_: Any, error: Any) -> JSONResponse:
        wait = {"retry-after": str(round(error.retry_after_s + 0.5))} if error.retry_after_s else None
        return JSONResponse({"error": error.message}, _STATUSES.get(error.code, 500), headers=wait)

    async def invalid(_: Any, error: Any) -> JSONResponse:
        faults = error.errors() if isinstance(error, RequestValidationError) else [{"loc": (), "msg": str(error)}]
        told = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}".lstrip(": ") for each in faults)
        return JSONResponse({"error": told}, 400)

    app.add_exception_handler(RatchetError, refused)
    for kind in (InvalidInput, RequestValidationError):
        app.add_exception_handler(kind, invalid)
    return app


def _bind(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    # The protocol is named because asyncio turns Nagle's delay (40 ms a reply) off only then.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, int(port)))
        # Callers wait in its queue until the server takes it over.
        bound.listen()
    except OSError as error:
        bound.close()
        raise AddressInUse(f"cannot listen on {listen} for v2: {error.strerror}; change serving.v2_listen") from error
    return bound
