"""Mutual TLS between rooms, with certificates made here: who is let in, who is not and is told why, renewal."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
import trustme
from grpc import aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from ratchet.orchestrator.v1.evaluation_service_pb2 import GetEvaluationRequest
from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import (
    EvaluationServiceServicer,
    EvaluationServiceStub,
    add_EvaluationServiceServicer_to_server,
)
from services.common import rpc
from services.common.errors import Unavailable
from services.common.rpc.tls import TlsUnusable
from tests.topology.test_browsers import free_ports

SERVING = health_pb2.HealthCheckResponse.SERVING


class Party:
    """Somebody with three files; `speaks` makes this process that one."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        directory.mkdir()
        self.files = {name: directory / f"{name}.pem" for name in ("certificate", "key", "authority")}
        self._monkeypatch = monkeypatch

    def given(self, authority: trustme.CA, name: str, *hosts: str, **options: object) -> Party:
        issued = authority.issue_cert(*(hosts or ("localhost",)), common_name=name, **options)
        content = {
            "certificate": b"".join(pem.bytes() for pem in issued.cert_chain_pems),
            "key": issued.private_key_pem.bytes(),
            "authority": authority.cert_pem.bytes(),
        }
        for file, pem in content.items():
            # As Kubernetes replaces the files of a Secret: whole, by another file.
            fresh = self.files[file].with_suffix(".new")
            fresh.write_bytes(pem)
            fresh.replace(self.files[file])
        return self

    def speaks(self) -> None:
        for name, path in self.files.items():
            self._monkeypatch.setenv(f"RATCHET_TLS__{name.upper()}", str(path))


@pytest.fixture
def party(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    return lambda name: Party(tmp_path / name, monkeypatch)


@pytest.fixture(scope="module")
def ours() -> trustme.CA:
    return trustme.CA(organization_name="Ours")


@pytest.fixture(scope="module")
def theirs() -> trustme.CA:
    return trustme.CA(organization_name="Theirs")


async def ask(address: str, of: str = "") -> int:
    """The health that a new channel is told. Raises Unavailable."""
    channel = rpc.dial(address, of)
    try:
        stub = health_pb2_grpc.HealthStub(channel)
        return (await stub.Check(health_pb2.HealthCheckRequest(), timeout=20)).status
    finally:
        await channel.close()


async def test_two_with_certificates_of_one_authority_talk(party, ours) -> None:
    party("scoring").given(ours, "scoring").speaks()
    async with rpc.serve([], "localhost:0") as address:
        party("rollout").given(ours, "rollout").speaks()
        assert await ask(address) == SERVING


async def test_one_of_another_authority_is_refused_and_both_sides_are_named(party, ours, theirs) -> None:
    party("scoring").given(ours, "scoring").speaks()
    async with rpc.serve([], "localhost:0") as address:
        stranger = party("stranger").given(theirs, "stranger")
        # It trusts ours, so it is the server that refuses.
        stranger.files["authority"].write_bytes(ours.cert_pem.bytes())
        stranger.speaks()
        with pytest.raises(Unavailable, match=rf"from .*CN=stranger.*signed by .*O=Theirs.*, to {address}, over TLS"):
            await ask(address)


async def test_a_server_of_another_authority_is_refused_and_both_sides_are_named(party, ours, theirs) -> None:
    party("scoring").given(theirs, "scoring").speaks()
    async with rpc.serve([], "localhost:0") as address:
        party("rollout").given(ours, "rollout").speaks()
        with pytest.raises(
            Unavailable, match=rf"CERTIFICATE_VERIFY_FAILED.*from .*CN=rollout.*, to {address}, over TLS"
        ):
            await ask(address)


async def test_one_without_a_certificate_is_refused_and_told_what_to_set(party, ours, monkeypatch) -> None:
    party("scoring").given(ours, "scoring").speaks()
    async with rpc.serve([], "localhost:0") as address:
        for name in ("CERTIFICATE", "KEY", "AUTHORITY"):
            monkeypatch.delenv(f"RATCHET_TLS__{name}")
        with pytest.raises(Unavailable, match=rf"to {address} without TLS; .* set RATCHET_TLS__CERTIFICATE"):
            await ask(address)


async def test_one_that_speaks_tls_and_shows_no_certificate_is_refused(party, ours) -> None:
    party("scoring").given(ours, "scoring").speaks()
    async with rpc.serve([], "localhost:0") as address:
        trusting = grpc.ssl_channel_credentials(ours.cert_pem.bytes())
        async with aio.secure_channel(address, trusting) as channel:
            with pytest.raises(aio.AioRpcError) as refused:
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_certificate_in_another_name_is_refused_unless_it_is_the_name_of_the_room(
    party, ours, monkeypatch
) -> None:
    party("browser").given(ours, "browser", "ratchet-browser.ml.svc").speaks()
    async with rpc.serve([], "127.0.0.1:0") as address:
        with pytest.raises(Unavailable, match=address):
            await ask(address)
        assert await ask(address, of="dns:///ratchet-browser.ml.svc:50051") == SERVING
        monkeypatch.setenv("RATCHET_TLS__NAME", "ratchet-browser.ml.svc")
        assert await ask(address) == SERVING


async def test_sockets_of_one_host_need_no_certificate(party, ours, tmp_path) -> None:
    party("any").given(ours, "any").speaks()
    async with rpc.serve([], f"unix:{tmp_path}/room.sock") as address:
        assert await ask(address) == SERVING


async def test_renewed_files_count_without_a_restart_and_running_calls_go_on(party, ours, theirs) -> None:
    server, client = party("scoring").given(ours, "scoring"), party("rollout").given(ours, "rollout")
    server.speaks()
    async with rpc.serve([], "localhost:0", drain_s=1.0) as address:  # the watching call does not end
        client.speaks()
        channel, idle = rpc.dial(address), rpc.dial(address)
        stub = health_pb2_grpc.HealthStub(channel)
        watched = aiter(stub.Watch(health_pb2.HealthCheckRequest(), timeout=60))
        assert (await anext(watched)).status == SERVING
        last = asyncio.ensure_future(anext(watched))
        server.given(theirs, "scoring")
        client.given(theirs, "rollout")
        for each in (channel, idle):
            reply = await health_pb2_grpc.HealthStub(each).Check(health_pb2.HealthCheckRequest(), timeout=20)
            assert reply.status == SERVING
        party("late").given(ours, "late").speaks()
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(address)
    # The server's last word, on the connection that was there before.
    assert (await last).status == health_pb2.HealthCheckResponse.NOT_SERVING
    await channel.close()
    await idle.close()


async def test_a_replacement_that_cannot_be_used_changes_nothing(party, ours, capfd) -> None:
    server = party("scoring").given(ours, "scoring")
    server.speaks()
    async with rpc.serve([], "localhost:0") as address:
        party("rollout").given(ours, "rollout").speaks()
        server.files["certificate"].write_text("half a certi")
        assert await ask(address) == SERVING
    assert "the old one stays" in "".join(capfd.readouterr())


@pytest.mark.parametrize("missing", ["CERTIFICATE", "KEY", "AUTHORITY"])
async def test_a_file_that_is_not_named_is_asked_for(party, ours, monkeypatch, missing: str) -> None:
    party("any").given(ours, "any").speaks()
    monkeypatch.delenv(f"RATCHET_TLS__{missing}")
    with pytest.raises(TlsUnusable, match=f"RATCHET_TLS__{missing} not set"):
        rpc.dial("localhost:1")


@pytest.mark.parametrize("file", ["certificate", "key", "authority"])
async def test_a_file_that_is_not_there_or_not_pem_is_named(party, ours, file: str) -> None:
    any_ = party("any").given(ours, "any")
    any_.speaks()
    path = any_.files[file]
    path.write_text("no PEM")
    with pytest.raises(TlsUnusable, match=f"{path} is not what it should be"):
        rpc.dial("localhost:1")
    path.unlink()
    with pytest.raises(TlsUnusable, match=f"cannot read {path}: No such file"):
        rpc.dial("localhost:1")


async def test_an_expired_certificate_and_a_key_of_another_are_named(party, ours) -> None:
    any_ = party("any").given(ours, "any", not_after=datetime.now(UTC) - timedelta(hours=1))
    any_.speaks()
    with pytest.raises(TlsUnusable, match=rf"{any_.files['certificate']} expired on .* renew it"):
        async with rpc.serve([], "localhost:0"):
            pass
    kept = any_.given(ours, "any").files["key"].read_bytes()
    any_.given(ours, "any").files["key"].write_bytes(kept)
    with pytest.raises(TlsUnusable, match="is not the key of"):
        rpc.dial("localhost:1")
    assert os.environ["RATCHET_TLS__KEY"] == str(any_.files["key"])


async def test_a_kubelet_without_a_certificate_is_told_the_health_and_nothing_else(party, ours) -> None:
    party("scoring").given(ours, "scoring").speaks()
    (port,) = free_ports(1)
    mount = rpc.Mount(add_EvaluationServiceServicer_to_server, EvaluationServiceServicer(), "ratchet.orchestrator.v1.E")
    async with AsyncExitStack() as stack:
        server = AsyncExitStack()
        serving = rpc.serve([mount], "localhost:0", health_address=f"localhost:{port}")
        address = await server.enter_async_context(serving)
        kubelet = await stack.enter_async_context(aio.insecure_channel(f"localhost:{port}"))
        watch = health_pb2_grpc.HealthStub(kubelet).Watch(health_pb2.HealthCheckRequest(service=mount.service))
        health = aiter(watch)
        assert (await anext(health)).status == SERVING
        with pytest.raises(aio.AioRpcError) as refused:
            await EvaluationServiceStub(kubelet).GetEvaluation(GetEvaluationRequest())
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        outside = await stack.enter_async_context(aio.insecure_channel(address))
        with pytest.raises(aio.AioRpcError) as refused:
            await health_pb2_grpc.HealthStub(outside).Check(health_pb2.HealthCheckRequest(), timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        await server.aclose()
        assert (await anext(health)).status == health_pb2.HealthCheckResponse.NOT_SERVING
