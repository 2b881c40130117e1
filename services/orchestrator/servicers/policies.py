"""PolicyService."""

from __future__ import annotations

from typing import Any

from grpc import aio

from ratchet.orchestrator.v1 import policy_service_pb2 as pb
from ratchet.orchestrator.v1 import policy_service_pb2_grpc
from services.orchestrator.policies import Policies

Context = aio.ServicerContext[Any, Any]


class PolicyServicer(policy_service_pb2_grpc.PolicyServiceServicer):
    """See the proto."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: Context) -> pb.GetPolicyResponse:
        return pb.GetPolicyResponse(policy=await self._policies.get(request.name))

    async def ListPolicies(self, request: pb.ListPoliciesRequest, context: Context) -> pb.ListPoliciesResponse:
        found = await self._policies.all()
        size = request.page_size or len(found)
        start = int(request.page_token) if request.page_token.isdigit() else 0
        token = str(start + size) if start + size < len(found) else ""
        return pb.ListPoliciesResponse(policies=found[start : start + size], next_page_token=token)
