"""Mutual TLS over TCP: this process's certificate and key, and the authority that all have theirs from, as files.

Invariant: where they are set, nobody speaks who has no certificate of that authority. Files that are replaced count
from the next call or connection on; a replacement that cannot be used changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from grpc import aio
from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common import errors, telemetry
from services.common.settings import RoomSettings, load

_Stamp = tuple[tuple[int, int, int] | None, ...]


class TlsUnusable(errors.FailedPrecondition):
    """The certificate, the key or the authority cannot be used."""

    reason = "TLS_UNUSABLE"


class TlsSettings(RoomSettings):
    """All three files or none; addresses of unix sockets need none."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_TLS__")

    certificate: str = Field(
        "", description="PEM file: this process's certificate, those between it and the authority."
    )
    key: str = Field("", description="PEM file: the certificate's private key, not encrypted.")
    authority: str = Field("", description="PEM file: the certificates of the authority that all have theirs from.")
    name: str = Field(
        "", description="Name in the other side's certificate, where it is reached by another one (a port-forward)."
    )


class Identity(NamedTuple):
    """What one side shows the other, and what it trusts. PEM."""

    certificate: bytes
    key: bytes
    authority: bytes
    # Who that is, and by whose word.
    subject: str


class Files:
    """The identity as the files have it."""

    def __init__(self, settings: TlsSettings) -> None:
        """Raises TlsUnusable."""
        self.name = settings.name
        self._paths = (Path(settings.certificate), Path(settings.key), Path(settings.authority))
        self._seen = self._stamp()
        self._identity = _read(*self._paths)

    def identity(self) -> Identity:
        """The same object until a file changes."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            try:
                self._identity = _read(*self._paths)
                telemetry.log().info("certificate renewed", subject=self._identity.subject)
            except TlsUnusable as error:
                telemetry.log().error("new certificate refused, the old one stays", why=error.message)
        return self._identity

    def _stamp(self) -> _Stamp:
        return tuple(_stamp_of(path) for path in self._paths)


def configured() -> Files | None:
    """What the environment names, None where it names nothing. Raises TlsUnusable."""
    settings = load(TlsSettings, {})
    named = {field: getattr(settings, field) for field in ("certificate", "key", "authority")}
    if not any(named.values()):
        return None
    if missing := [f"RATCHET_TLS__{field.upper()}" for field, path in named.items() if not path]:
        raise TlsUnusable(f"TLS needs a certificate, its key and the authority; {' and '.join(missing)} not set")
    return Files(settings)


def is_tcp(address: str) -> bool:
    """Whether an address can be reached from elsewhere."""
    return not address.startswith(("unix:", "unix-abstract:"))


def server_credentials(files: Files) -> grpc.ServerCredentials:
    """Of a server that lets in who has a certificate of the authority."""
    shown = files.identity()

    # None: as before.
    def renewed() -> Any:
        nonlocal shown
        if (now := files.identity()) is shown:
            return None
        shown = now
        return _shown(shown)

    return grpc.dynamic_ssl_server_credentials(_shown(shown), renewed, require_client_authentication=True)


def _shown(identity: Identity) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(identity.key, identity.certificate)], root_certificates=identity.authority
    )


class RenewedChannel(aio.Channel):  # type: ignore[misc]
    """A channel whose calls begin with the identity of the moment; those that run go on with theirs."""

    def __init__(self, files: Files, opened: Callable[[grpc.ChannelCredentials], aio.Channel]) -> None:
        self._files, self._opened = files, opened
        self._identity: Identity | None = None
        # The last is in use. Earlier ones are idle once their calls have ended.
        self._channels: list[aio.Channel] = []
        self._current()

    def _current(self) -> aio.Channel:
        identity = self._files.identity()
        if identity is not self._identity:
            self._identity = identity
            own = grpc.ssl_channel_credentials(identity.authority, identity.key, identity.certificate)
            self._channels.append(self._opened(own))
        return self._channels[-1]

    def _callable(self, arity: str, *args: Any, **kwargs: Any) -> Any:
        of: dict[aio.Channel, Any] = {}

        def call(*call_args: Any, **call_kwargs: Any) -> Any:
            channel = self._current()
            if channel not in of:
                of.clear()
                of[channel] = getattr(channel, arity)(*args, **kwargs)
            return of[channel](*call_args, **call_kwargs)

        return call

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("unary_unary", *args, **kwargs)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("unary_stream", *args, **kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("stream_unary", *args, **kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        return self._callable("stream_stream", *args, **kwargs)

    async def close(self, grace: float | None = None) -> None:
        await asyncio.gather(*(channel.close(grace) for channel in self._channels))

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._current().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._current().channel_ready()

    async def __aenter__(self) -> RenewedChannel:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()


def _stamp_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _read(certificate: Path, key: Path, authority: Path) -> Identity:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    own, secret, trusted = (_content(path) for path in (certificate, key, authority))
    leaf = _parsed(certificate, lambda: x509.load_pem_x509_certificates(own))[0]
    private = _parsed(key, lambda: load_pem_private_key(secret, password=None))
    if private.public_key() != leaf.public_key():
        raise TlsUnusable(f"{key} is not the key of {certificate}; give the two that were issued together")
    # An authority that is being replaced may stand beside the one that replaces it.
    newest = max(
        _parsed(authority, lambda: x509.load_pem_x509_certificates(trusted)), key=lambda each: each.not_valid_after_utc
    )
    now = datetime.now(UTC)
    for path, each in ((certificate, leaf), (authority, newest)):
        if each.not_valid_after_utc < now:
            raise TlsUnusable(f"{path} expired on {each.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; renew it")
        if each.not_valid_before_utc > now:
            raise TlsUnusable(
                f"{path} is valid from {each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; is the clock right?"
            )
    subject = f"{leaf.subject.rfc4514_string() or 'no name'}, signed by {leaf.issuer.rfc4514_string() or 'no name'}"
    return Identity(own, secret, trusted, subject)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TlsUnusable(
            f"cannot read {path}: {error.strerror}; RATCHET_TLS__* name it: check that it is there (in a pod: that the "
            "mounted Secret has that key) and may be read"
        ) from error


def _parsed(path: Path, parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except (ValueError, TypeError) as error:
        raise TlsUnusable(
            f"{path} is not what it should be: {str(error).partition('. ')[0]}; give an unencrypted PEM file"
        ) from error
