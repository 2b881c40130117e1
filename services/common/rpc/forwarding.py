"""One address for several rooms: calls of another room's service, passed on as they are, of any arity.

Invariant: only methods that the service has are passed on, with the caller's deadline; no message is read on the way.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc import aio

from services.common import errors
from services.common.rpc.server import Context, Mount


def forward(service: ServiceDescriptor, channel: aio.Channel) -> Mount:
    """Answers for that service with what the room behind the channel answers."""
    # On the wire a single message is a stream of one; without serializers, messages stay bytes.
    handlers: dict[str, Any] = {
        method.name: grpc.stream_stream_rpc_method_handler(_passed_on(channel, f"/{service.full_name}/{method.name}"))
        for method in service.methods
    }
    generic = grpc.method_handlers_generic_handler(service.full_name, handlers)

    def add(_servicer: object, server: aio.Server) -> None:
        server.add_generic_rpc_handlers((generic,))

    return Mount(add, handlers, service.full_name)


def _passed_on(channel: aio.Channel, method: str) -> Callable[[Any, Context], AsyncIterator[bytes]]:
    begin: Any = channel.stream_stream(method)

    async def pass_on(requests: Any, context: Context) -> AsyncIterator[bytes]:
        about = [(key, value) for key, value in context.invocation_metadata() or () if key.startswith("x-ratchet-")]
        call = begin(requests, timeout=context.time_remaining(), metadata=aio.Metadata(*about))
        try:
            async for message in call:
                yield message
        except aio.AioRpcError as error:
            raise errors.from_rpc_error(error) from error
        finally:
            call.cancel()

    return pass_on
