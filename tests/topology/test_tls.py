"""Every room on TCP with mutual TLS, each call between them and from outside over it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import trustme

from ratchet.orchestrator.v1 import evaluation_service_pb2 as evaluations
from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from services.common import rpc
from services.common.addresses import ROOMS
from services.common.errors import Unavailable
from services.host.main import host


def free_ports(count: int) -> list[int]:
    listeners = [socket.socket() for _ in range(count)]
    for listener in listeners:
        listener.bind(("127.0.0.1", 0))
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


async def test_an_evaluation_runs_between_rooms_that_ask_each_other_for_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", common_name="rooms")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    for name in ("certificate", "key", "authority"):
        monkeypatch.setenv(f"RATCHET_TLS__{name.upper()}", str(tmp_path / f"{name}.pem"))
    places = {room: f"127.0.0.1:{port}" for room, port in zip(ROOMS, free_ports(len(ROOMS)), strict=True)}
    async with host(tmp_path / "home", {"host": {"addresses": places}}, []) as addresses:
        channel = rpc.dial(addresses.address("orchestrator"))
        stub = EvaluationServiceStub(channel)
        spec = evaluations.EvaluationSpec(policy="policies/expert", num_tasks=1)
        made = (await stub.CreateEvaluation(evaluations.CreateEvaluationRequest(spec=spec))).evaluation
        async for event in stub.WatchEvaluation(evaluations.WatchEvaluationRequest(name=made.name), timeout=180):
            made = event.evaluation
        assert made.state == evaluations.Evaluation.STATE_SUCCEEDED, made.error
        assert [score.mean for score in made.report.scores] == [1.0]
        await channel.close()
        for name in ("CERTIFICATE", "KEY", "AUTHORITY"):
            monkeypatch.delenv(f"RATCHET_TLS__{name}")
        for room in ROOMS[1:]:
            channel = rpc.dial(addresses.address(room))
            with pytest.raises(Unavailable, match="without TLS"):
                await EvaluationServiceStub(channel).GetEvaluation(evaluations.GetEvaluationRequest(name=made.name))
            await channel.close()
