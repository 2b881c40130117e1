"""One address, one grpc.aio server: health, reflection, metrics, logs, typed errors, graceful drain."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import grpc
import structlog
from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.common import errors, ids, telemetry
from services.common.rpc import deadline, tls
from services.common.rpc.client import dial

DRAIN_S = 5.0
CONNECTION_AGE_MS = 120_000
Context: TypeAlias = "aio.ServicerContext[Any, Any]"


class Mount(NamedTuple):
    """A servicer and how to put it on a server."""

    add: Callable[[Any, aio.Server], None]
    servicer: object
    # Full name, e.g. "ratchet.browser.v1.BrowserService".
    service: str
    # Awaited before the server stops: returns when what callers keep here has ended.
    drain: Callable[[], Awaitable[None]] | None = None


class AddressInUse(errors.FailedPrecondition):
    """Somebody listens there already."""

    reason = "ADDRESS_IN_USE"


@asynccontextmanager
async def serve(
    mounts: list[Mount], address: str, drain_s: float = DRAIN_S, health_address: str = ""
) -> AsyncIterator[str]:
    """Serve the mounts until the block ends; yields the bound address (`host:0` picks a port).

    Whoever has no certificate (a kubelet) is told the same health, and nothing else, on `health_address`.
    Over TCP it asks for certificates where the environment names one (tls.py). Raises AddressInUse, TlsUnusable. On
    exit it reports NOT_SERVING, lets what the mounts keep and running calls end for drain_s and stops.
    """
    server = aio.server(
        interceptors=[_Boundary()],
        options=(
            ("grpc.server.max_pending_requests", 4096),
            ("grpc.so_reuseport", 0),
            # Running calls go on; the next looks the name up anew, and so finds pods that were added.
            ("grpc.max_connection_age_ms", CONNECTION_AGE_MS),
        ),
    )
    for mount in mounts:
        mount.add(mount.servicer, server)
    healthz = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthz, server)
    names = [mount.service for mount in mounts]
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    bound = await _bind(server, address, tls.configured() if tls.is_tcp(address) else None)
    probed = aio.server(options=(("grpc.so_reuseport", 0),))
    if health_address:
        health_pb2_grpc.add_HealthServicer_to_server(healthz, probed)
        await _bind(probed, health_address, None)
    await server.start()
    await probed.start()
    for name in ("", *names):
        await healthz.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield bound
    finally:
        await healthz.enter_graceful_shutdown()
        await asyncio.shield(_stop(server, mounts, drain_s))
        await asyncio.shield(probed.stop(0))


async def _stop(server: aio.Server, mounts: list[Mount], drain_s: float) -> None:
    ends = time.monotonic() + drain_s
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(drain_s):
            for mount in mounts:
                if mount.drain is not None:
                    await mount.drain()
    await server.stop(max(0.0, ends - time.monotonic()))


async def _bind(server: aio.Server, address: str, files: tls.Files | None) -> str:
    if address.startswith("unix:"):
        path = Path(address.removeprefix("unix:"))
        if path.exists():
            if not stat.S_ISSOCK(path.stat().st_mode):
                raise AddressInUse(f"{path} is in the way of the socket; remove it", address=address)
            if await is_serving(address):
                raise AddressInUse(f"another host already serves {address}; stop it first", address=address)
            path.unlink()
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if files is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, tls.server_credentials(files))
    except RuntimeError as error:
        raise AddressInUse(f"cannot listen on {address}; is the port in use?", address=address) from error
    if address.startswith("unix:"):
        Path(address.removeprefix("unix:")).chmod(0o600)
        return address
    return f"{address.rsplit(':', 1)[0]}:{port}"


async def is_serving(address: str, timeout_s: float = 1.0) -> bool:
    """Whether a healthy server answers there."""
    channel = dial(address)
    try:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        reply = await stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        return bool(reply.status == health_pb2.HealthCheckResponse.SERVING)
    except errors.RatchetError:
        return False
    finally:
        await channel.close()


class _Boundary(aio.ServerInterceptor):
    """Binds deadline and log context, counts, and writes the Status of whatever escapes a handler."""

    def __init__(self) -> None:
        # By full method name; a call only looks its handler up.
        self._handlers: dict[str, Any] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        name = handler_call_details.method
        known = self._handlers.get(name)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        service, _, method = name.lstrip("/").rpartition("/")
        # Health and reflection are gRPC's own.
        if handler is None or service.startswith("grpc."):
            return handler
        self._handlers[name] = bounded = _bounded(handler, service, method)
        return bounded


def _bounded(handler: Any, service: str, method: str) -> Any:
    """The handler with all that a call of ours has around it."""
    room, counts = service.split(".")[1], _Counts(service, method)
    inner = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

    async def unary(request: Any, context: Context) -> Any:
        async with _observed(counts, context, _enter(context, room)):
            return await inner(request, context)

    async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
        async with _observed(counts, context, _enter(context, room)):
            async for response in inner(request, context):
                yield response

    sent, answered = (
        "stream" if is_many else "unary" for is_many in (handler.request_streaming, handler.response_streaming)
    )
    make = getattr(grpc, f"{sent}_{answered}_rpc_method_handler")
    return make(
        stream if handler.response_streaming else unary,
        request_deserializer=handler.request_deserializer,
        response_serializer=handler.response_serializer,
    )


class _Counts:
    """The metrics of one method."""

    def __init__(self, service: str, method: str) -> None:
        self.method = method
        self.in_flight = telemetry.RPC_IN_FLIGHT.labels(service)
        self.seconds = telemetry.RPC_SECONDS.labels(service, method)
        self.handled = functools.cache(functools.partial(telemetry.RPC_HANDLED.labels, service, method))


def _enter(context: Context, room: str) -> deadline.Request:
    baggage = {
        key.removeprefix("x-ratchet-").replace("-", "_"): str(value)
        for key, value in context.invocation_metadata() or ()
        if key.startswith("x-ratchet-")
    }
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(room=room, **baggage)
    return deadline.enter(context.time_remaining())


@asynccontextmanager
async def _observed(counts: _Counts, context: Context, request: deadline.Request) -> AsyncIterator[None]:
    started, code = time.perf_counter(), grpc.StatusCode.OK
    counts.in_flight.inc()
    try:
        yield
    except asyncio.CancelledError:
        code = grpc.StatusCode.CANCELLED
        raise
    except errors.RatchetError as error:
        code = error.code
        telemetry.log().info("request refused", method=counts.method, reason=error.reason, message=error.message)
        await context.abort(code, error.message, ((errors.DETAILS_KEY, error.to_status_details()),))
    except aio.AbortError:
        code = context.code() or grpc.StatusCode.UNKNOWN
        raise
    except Exception as error:  # noqa: BLE001 - the one place where a bug becomes INTERNAL
        code, error_id = grpc.StatusCode.INTERNAL, ids.new_id()
        telemetry.log().error("request failed", method=counts.method, error_id=error_id, exc_info=error)
        internal = errors.Internal(f"internal error {error_id}; the room's log has the details", id=error_id)
        await context.abort(code, internal.message, ((errors.DETAILS_KEY, internal.to_status_details()),))
    finally:
        request.answered = True
        counts.in_flight.dec()
        counts.seconds.observe(time.perf_counter() - started)
        counts.handled(code.name).inc()
