"""Channels: every call has a deadline, carries its run and episode, and fails with a typed error."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Protocol

import grpc
from grpc import aio

from services.common import errors, telemetry
from services.common.rpc import affinity, deadline, tls

DEFAULT_TIMEOUT_S = 60.0
# What gRPC says of a connection that the other side did not want, or that was not wanted here.
_REFUSALS = ("handshake", "Socket closed", "Connection reset")
# Names both sides of a connection; empty for a socket of this host.
Ends = Callable[[], str]
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_METHODS = [
    {
        "name": [{}],
        "retryPolicy": {
            "maxAttempts": 4,
            "initialBackoff": "0.05s",
            "maxBackoff": "1s",
            "backoffMultiplier": 3,
            "retryableStatusCodes": ["UNAVAILABLE"],
        },
    }
]


class Dial(Protocol):
    """How a room reaches the others."""

    def __call__(self, room: str, address: str = "") -> aio.Channel:
        """A channel to a room, or to that one process of it; asked again, the same."""


_OPTIONS = (
    ("grpc.enable_retries", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Channels to one address share their connection, and with it a backoff that an earlier server's end began.
    ("grpc.use_local_subchannel_pool", 1),
    # An HTTP proxy of the environment is never meant for the rooms.
    ("grpc.enable_http_proxy", 0),
)


def dial(address: str, of: str = "", *, keyed: bool = False) -> aio.Channel:
    """A channel to `unix:/path.sock` or `host:port`. It connects on first use, and again after a loss.

    Over TCP it speaks TLS where the environment names a certificate (tls.py). `of` is the address whose name the
    other side's certificate has, for one process of many that is dialled by its own. Calls go to the address's
    processes in turn, or each to its key's (affinity.py). Raises TlsUnusable.
    """
    service = {"loadBalancingConfig": [affinity.POLICY if keyed else {"round_robin": {}}], "methodConfig": _METHODS}
    options: tuple[tuple[str, str | int], ...] = (("grpc.service_config", json.dumps(service)), *_OPTIONS)
    files = tls.configured() if tls.is_tcp(address) else None
    if files is None:
        return aio.insecure_channel(address, options=options, interceptors=_interceptors(_plain(address)))
    name = files.name or (of.rpartition("/")[2].rpartition(":")[0] if of and tls.is_tcp(of) else "")
    options += (("grpc.ssl_target_name_override", name),) if name else ()
    interceptors = _interceptors(lambda: f"from {files.identity().subject}, to {address}, over TLS")
    return tls.RenewedChannel(
        files, lambda own: aio.secure_channel(address, own, options=options, interceptors=interceptors)
    )


def _plain(address: str) -> Ends:
    hint = f"to {address} without TLS; where it wants TLS, set RATCHET_TLS__CERTIFICATE, ..._KEY and ..._AUTHORITY"
    return lambda: hint if tls.is_tcp(address) else ""


def _interceptors(ends: Ends) -> list[aio.ClientInterceptor]:
    return [_UnaryUnary(ends), _UnaryStream(ends), _StreamUnary(ends)]


def _typed(error: aio.AioRpcError, ends: Ends) -> errors.RatchetError:
    """The typed error; one of the connection names both sides."""
    found = errors.from_rpc_error(error)
    text = error.details() or ""
    if error.code() is grpc.StatusCode.UNAVAILABLE and any(sign in text for sign in _REFUSALS) and (both := ends()):
        return errors.Unavailable(f"{text} ({both})", **found.metadata)
    return found


def _details(details: aio.ClientCallDetails) -> aio.ClientCallDetails:
    metadata = aio.Metadata(*(details.metadata or ()))
    for key, value in telemetry.outgoing():
        metadata.add(key, value)
    return aio.ClientCallDetails(
        method=details.method,
        timeout=deadline.bound(details.timeout, DEFAULT_TIMEOUT_S),
        metadata=metadata,
        credentials=details.credentials,
        wait_for_ready=details.wait_for_ready,
    )


class _Named:
    def __init__(self, ends: Ends) -> None:
        self._ends = ends


class _UnaryUnary(_Named, aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    async def intercept_unary_unary(
        self,
        continuation: Callable[[aio.ClientCallDetails, Any], Awaitable[Any]],
        client_call_details: aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        try:
            call = await continuation(_details(client_call_details), request)
            return await call
        except aio.AioRpcError as error:
            raise _typed(error, self._ends) from error


class _StreamUnary(_Named, aio.StreamUnaryClientInterceptor):  # type: ignore[misc]
    async def intercept_stream_unary(
        self,
        continuation: Callable[[aio.ClientCallDetails, Any], Awaitable[Any]],
        client_call_details: aio.ClientCallDetails,
        request_iterator: Any,
    ) -> Any:
        return _TypedCall(await continuation(_details(client_call_details), request_iterator), self._ends)


class _TypedCall:
    """A stream-unary call that fails with a typed error; grpc.aio wants a call here, not its response."""

    def __init__(self, call: Any, ends: Ends) -> None:
        self._call, self._ends = call, ends

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._response().__await__()

    async def _response(self) -> Any:
        try:
            return await self._call
        except aio.AioRpcError as error:
            raise _typed(error, self._ends) from error


class _UnaryStream(_Named, aio.UnaryStreamClientInterceptor):  # type: ignore[misc]
    async def intercept_unary_stream(
        self,
        continuation: Callable[[aio.ClientCallDetails, Any], Awaitable[Any]],
        client_call_details: aio.ClientCallDetails,
        request: Any,
    ) -> AsyncIterator[Any]:
        call = await continuation(_details(client_call_details), request)

        async def responses() -> AsyncIterator[Any]:
            try:
                async for response in call:
                    yield response
            except aio.AioRpcError as error:
                raise _typed(error, self._ends) from error
            finally:
                call.cancel()

        return responses()
