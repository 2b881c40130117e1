"""Typed errors that keep their class and metadata across gRPC.

Invariant: a failed request is exactly one RatchetError with a canonical code and an UPPER_SNAKE reason; only
the server interceptor turns it into a Status and only the client interceptor turns a Status back (AIP-193).
"""

from __future__ import annotations

from typing import Any, ClassVar

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "ratchet"
DETAILS_KEY = "grpc-status-details-bin"
_registry: dict[str, type[RatchetError]] = {}


class RatchetError(Exception):
    """A failure with a message for people and metadata for programs.

    Subclasses fix `code` and `reason`; a message names what is wrong and what to do next.
    """

    code: ClassVar[grpc.StatusCode] = grpc.StatusCode.INTERNAL
    reason: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **metadata: object) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = {key: str(value) for key, value in metadata.items()}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "reason" in cls.__dict__:
            _registry[cls.reason] = cls

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), self.message, self.metadata, self.reason))

    @property
    def retry_after_s(self) -> float | None:
        """Seconds after which another try may do better, where whoever refused said so (metadata `retry_after_s`)."""
        said = self.metadata.get("retry_after_s")
        return None if said is None else float(said)

    def to_status_details(self) -> bytes:
        """The google.rpc.Status that travels in the trailers."""
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        packed = any_pb2.Any()
        packed.Pack(info)
        status = status_pb2.Status(code=self.code.value[0], message=self.message, details=[packed])
        if self.retry_after_s is not None:
            hint = error_details_pb2.RetryInfo()
            hint.retry_delay.FromNanoseconds(int(self.retry_after_s * 1e9))
            status.details.add().Pack(hint)
        return bytes(status.SerializeToString())


def _rebuild(cls: type[RatchetError], message: str, metadata: dict[str, str], reason: str) -> RatchetError:
    error = cls(message, **metadata)
    error.__dict__["reason"] = reason
    return error


class InvalidArgument(RatchetError):
    """The request can never be valid."""

    code = grpc.StatusCode.INVALID_ARGUMENT
    reason = "INVALID_ARGUMENT"


class NotFound(RatchetError):
    """The named thing does not exist."""

    code = grpc.StatusCode.NOT_FOUND
    reason = "NOT_FOUND"


class AlreadyExists(RatchetError):
    """Another thing holds that name."""

    code = grpc.StatusCode.ALREADY_EXISTS
    reason = "ALREADY_EXISTS"


class FailedPrecondition(RatchetError):
    """Some state must be mended first."""

    code = grpc.StatusCode.FAILED_PRECONDITION
    reason = "FAILED_PRECONDITION"


class ResourceExhausted(RatchetError):
    """Full; back off and try again."""

    code = grpc.StatusCode.RESOURCE_EXHAUSTED
    reason = "RESOURCE_EXHAUSTED"


class Unavailable(RatchetError):
    """The other side is not there; a retry may find it."""

    code = grpc.StatusCode.UNAVAILABLE
    reason = "UNAVAILABLE"


class DeadlineExceeded(RatchetError):
    """The call's time ran out."""

    code = grpc.StatusCode.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class Internal(RatchetError):
    """A bug; the text is in the log of the room, under the id in the metadata."""

    reason = "INTERNAL"


_BY_CODE: dict[grpc.StatusCode, type[RatchetError]] = {
    cls.code: cls
    for cls in (
        InvalidArgument,
        NotFound,
        AlreadyExists,
        FailedPrecondition,
        ResourceExhausted,
        Unavailable,
        DeadlineExceeded,
        Internal,
    )
}


def from_rpc_error(error: grpc.aio.AioRpcError) -> RatchetError:
    """The typed error behind a failed call: its own class where this process knows it, else the code's."""
    code, message, metadata, reason = error.code(), error.details() or error.code().name, {}, ""
    for key, value in error.trailing_metadata() or ():
        if key != DETAILS_KEY:
            continue
        status = status_pb2.Status.FromString(value if isinstance(value, bytes) else value.encode("latin-1"))
        for detail in status.details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                metadata, reason = dict(info.metadata), info.reason
                if (known := _registry.get(info.reason)) is not None and known.code == code:
                    return known(message, **metadata)
    if code is grpc.StatusCode.CANCELLED:  # not asked for by us: the server went away or dropped the call
        return Unavailable(f"the call was dropped: {message}", **metadata)
    found = _BY_CODE.get(code, Internal)(message, **metadata)
    if reason:  # a class that only the other process knows: its reason still tells callers apart
        found.__dict__["reason"] = reason
    return found
