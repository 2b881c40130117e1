"""What a resource has the orchestrator do: one run of rounds, found again by the resource's UID.

Invariant: the UID is the request id of the run's first iteration, so a run that was started once is never started
again, whoever asks and however often; nothing about it is remembered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from services.common.errors import InvalidArgument, NotFound

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceAsyncStub


class Runs:
    """Each method answers with the run's rounds, the newest last. They raise what the orchestrator raises."""

    def __init__(self, iterations: IterationServiceAsyncStub) -> None:
        self._iterations = iterations

    async def start(self, uid: str, spec: Mapping[str, Any]) -> list[pb.Iteration]:
        """Start the run, or find it started. Raises InvalidArgument for a spec that is none."""
        try:
            wanted = json_format.ParseDict(dict(spec), pb.IterationSpec())
        except json_format.ParseError as error:
            raise InvalidArgument(f"spec: {error}") from error
        await self._iterations.CreateIteration(pb.CreateIterationRequest(request_id=uid, spec=wanted))
        return await self.rounds(uid)

    async def rounds(self, uid: str) -> list[pb.Iteration]:
        """None where the run was never started."""
        try:
            found = [(await self._iterations.GetIteration(pb.GetIterationRequest(request_id=uid))).iteration]
        except NotFound:
            return []
        while following := found[-1].next:
            found.append((await self._iterations.GetIteration(pb.GetIterationRequest(name=following))).iteration)
        return found

    async def cancel(self, uid: str) -> list[pb.Iteration]:
        """Returns when no round runs; what they recorded stays."""
        found = await self.rounds(uid)
        # The round that ends meanwhile may have begun another.
        while found and found[-1].state == pb.Iteration.STATE_RUNNING:
            await self._iterations.CancelIteration(pb.CancelIterationRequest(name=found[-1].name))
            found = await self.rounds(uid)
        return found

    async def resume(self, uid: str) -> list[pb.Iteration]:
        """Go on with the round that failed or was cancelled."""
        if found := await self.rounds(uid):
            await self._iterations.ResumeIteration(pb.ResumeIterationRequest(name=found[-1].name))
        return await self.rounds(uid)
