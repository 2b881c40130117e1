"""Channels: every call has a deadline, carries its run and episode, and fails with a typed error."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from typing import Any, Protocol

from grpc import aio

from services.common import errors, telemetry
from services.common.rpc import deadline

DEFAULT_TIMEOUT_S = 60.0
MAX_MESSAGE_BYTES = 4 * 1024 * 1024
_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
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
        ],
    }
)


class Dial(Protocol):
    """How a room reaches the others."""

    def __call__(self, room: str, address: str = "") -> aio.Channel:
        """A channel to a room, or to that one process of it; asked again, the same."""


def dial(address: str) -> aio.Channel:
    """A channel to `unix:/path.sock` or `host:port`. It connects on first use, and again after a loss."""
    interceptors: list[aio.ClientInterceptor] = [_UnaryUnary(), _UnaryStream(), _StreamUnary()]
    return aio.insecure_channel(
        address,
        options=(
            ("grpc.service_config", _SERVICE_CONFIG),
            ("grpc.enable_retries", 1),
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 2000),
            # Channels to one address share their connection, and with it a backoff that an earlier server's end began.
            ("grpc.use_local_subchannel_pool", 1),
            # An HTTP proxy of the environment is never meant for the rooms.
            ("grpc.enable_http_proxy", 0),
        ),
        interceptors=interceptors,
    )


def _details(details: aio.ClientCallDetails) -> aio.ClientCallDetails:
    metadata = aio.Metadata(*(details.metadata or ()))
    for key, value in telemetry.baggage().items():
        metadata.add(f"x-ratchet-{key.replace('_', '-')}", value)
    return aio.ClientCallDetails(
        method=details.method,
        timeout=deadline.bound(details.timeout, DEFAULT_TIMEOUT_S),
        metadata=metadata,
        credentials=details.credentials,
        wait_for_ready=details.wait_for_ready,
    )


class _UnaryUnary(aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
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
            raise errors.from_rpc_error(error) from error


class _StreamUnary(aio.StreamUnaryClientInterceptor):  # type: ignore[misc]
    async def intercept_stream_unary(
        self,
        continuation: Callable[[aio.ClientCallDetails, Any], Awaitable[Any]],
        client_call_details: aio.ClientCallDetails,
        request_iterator: Any,
    ) -> Any:
        return _TypedCall(await continuation(_details(client_call_details), request_iterator))


class _TypedCall:
    """A stream-unary call that fails with a typed error; grpc.aio wants a call here, not its response."""

    def __init__(self, call: Any) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._response().__await__()

    async def _response(self) -> Any:
        try:
            return await self._call
        except aio.AioRpcError as error:
            raise errors.from_rpc_error(error) from error


class _UnaryStream(aio.UnaryStreamClientInterceptor):  # type: ignore[misc]
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
                raise errors.from_rpc_error(error) from error
            finally:
                call.cancel()

        return responses()
