"""Errors keep their class and metadata over the wire and through pickle."""

from __future__ import annotations

import asyncio
import pickle
from pathlib import Path

import pytest
from google.rpc import error_details_pb2, status_pb2

from ratchet.orchestrator.v1 import policy_service_pb2 as pb
from ratchet.orchestrator.v1 import policy_service_pb2_grpc
from services.common import errors, rpc
from services.common.rpc import deadline
from services.orchestrator.policies import UnknownPolicy

SERVICE = "ratchet.orchestrator.v1.PolicyService"


class Servicer(policy_service_pb2_grpc.PolicyServiceServicer):
    def __init__(self) -> None:
        self.remaining_s = 0.0
        self.answered = asyncio.Event()

    async def _work(self) -> float:
        await self.answered.wait()
        return deadline.bound(None, 1000.0)

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: object) -> pb.GetPolicyResponse:
        if request.name == "bug":
            raise ZeroDivisionError("secret /path")
        self.remaining_s = deadline.bound(None, 1000.0)
        if request.name == "job":
            self.job = asyncio.create_task(self._work())
        if request.name == "none":
            raise UnknownPolicy("there is no policy none", policy="none")
        return pb.GetPolicyResponse()


@pytest.fixture
async def served(tmp_path: Path):
    servicer = Servicer()
    mount = rpc.Mount(policy_service_pb2_grpc.add_PolicyServiceServicer_to_server, servicer, SERVICE)
    async with rpc.serve([mount], f"unix:{tmp_path}/s.sock") as address:
        channel = rpc.dial(address)
        yield servicer, policy_service_pb2_grpc.PolicyServiceStub(channel)
        await channel.close()


async def test_a_typed_error_arrives_as_itself(served) -> None:
    with pytest.raises(UnknownPolicy) as caught:
        await served[1].GetPolicy(pb.GetPolicyRequest(name="none"))
    assert caught.value.metadata == {"policy": "none"}


def test_a_hint_when_to_try_again_travels_in_grpc_s_own_words() -> None:
    full = errors.ResourceExhausted("full", retry_after_s=0.25)
    status = status_pb2.Status.FromString(full.to_status_details())
    hint = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(hint) for detail in status.details)
    assert hint.retry_delay.ToMilliseconds() == 250
    assert errors.ResourceExhausted("full").retry_after_s is None


async def test_a_reason_whose_class_this_process_does_not_know_is_kept(served, monkeypatch) -> None:
    monkeypatch.delitem(errors._registry, UnknownPolicy.reason)
    with pytest.raises(errors.NotFound) as caught:
        await served[1].GetPolicy(pb.GetPolicyRequest(name="none"))
    assert type(caught.value) is errors.NotFound
    assert caught.value.reason == "UNKNOWN_POLICY"


async def test_a_bug_arrives_as_internal_without_its_text(served) -> None:
    with pytest.raises(errors.Internal) as caught:
        await served[1].GetPolicy(pb.GetPolicyRequest(name="bug"))
    assert "secret" not in caught.value.message
    assert caught.value.metadata["id"] in caught.value.message


async def test_the_caller_s_deadline_bounds_the_calls_made_on_its_behalf(served) -> None:
    await served[1].GetPolicy(pb.GetPolicyRequest(), timeout=5)
    assert 0 < served[0].remaining_s < 60


async def test_what_a_request_leaves_running_is_not_bound_by_its_deadline(served) -> None:
    await served[1].GetPolicy(pb.GetPolicyRequest(name="job"), timeout=5)
    served[0].answered.set()
    assert await served[0].job == 1000.0


async def test_nobody_there_is_unavailable(tmp_path: Path) -> None:
    channel = rpc.dial(f"unix:{tmp_path}/nobody.sock")
    with pytest.raises(errors.Unavailable):
        await policy_service_pb2_grpc.PolicyServiceStub(channel).GetPolicy(pb.GetPolicyRequest(), timeout=2)
    await channel.close()


async def test_a_second_server_on_an_address_is_refused_and_a_dead_one_s_socket_is_taken(tmp_path: Path) -> None:
    mount = rpc.Mount(policy_service_pb2_grpc.add_PolicyServiceServicer_to_server, Servicer(), SERVICE)
    address = f"unix:{tmp_path}/s.sock"
    async with rpc.serve([mount], address):
        with pytest.raises(rpc.AddressInUse, match="already serves"):
            async with rpc.serve([mount], address):
                pass
    async with rpc.serve([mount], address):
        assert await rpc.is_serving(address)


def test_errors_survive_pickle() -> None:
    error = pickle.loads(pickle.dumps(UnknownPolicy("no such", policy="x")))
    assert (type(error), error.message, error.metadata) == (UnknownPolicy, "no such", {"policy": "x"})
