"""The rooms, as the command line sees them: one channel per room, opened when it is first needed.

Invariant: a host that is not there is found out before any call, and said so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grpc import aio

from services.cli.invocation import Invocation
from services.common import rpc
from services.common.errors import Unavailable

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceAsyncStub
    from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceAsyncStub
    from ratchet.orchestrator.v1.policy_service_pb2_grpc import PolicyServiceAsyncStub
    from ratchet.orchestrator.v1.suite_service_pb2_grpc import SuiteServiceAsyncStub
    from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceAsyncStub
    from ratchet.training.v1.training_service_pb2_grpc import TrainingServiceAsyncStub
    from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceAsyncStub

PAGE = 200


class NoHost(Unavailable):
    """No host serves that home; the message says how to start one."""

    reason = "NO_HOST"


class Rooms:
    """Stubs of the services that a person asks."""

    def __init__(self, at: Invocation) -> None:
        self._at = at
        self._addresses = at.addresses()
        self._channels: dict[str, aio.Channel] = {}

    def channel(self, room: str) -> aio.Channel:
        """The channel to a room. Raises NoHost when nothing can be listening."""
        if room not in self._channels:
            address = self._addresses.address(room)
            if address.startswith("unix:") and not Path(address.removeprefix("unix:")).exists():
                raise NoHost(
                    f"no host answers on {self._at.home}: start one with `{self._at.again('up')}`, "
                    "or name one with --server HOST:PORT",
                    home=self._at.home,
                    room=room,
                )
            self._channels[room] = rpc.dial(address)
        return self._channels[room]

    @property
    def are_remote(self) -> bool:
        """Whether they were named with --server, and so are not this machine's own host."""
        return self._at.is_remote

    @property
    def iterations(self) -> IterationServiceAsyncStub:
        from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub

        return IterationServiceStub(self.channel("orchestrator"))

    @property
    def evaluations(self) -> EvaluationServiceAsyncStub:
        from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceStub

        return EvaluationServiceStub(self.channel("orchestrator"))

    @property
    def policies(self) -> PolicyServiceAsyncStub:
        from ratchet.orchestrator.v1.policy_service_pb2_grpc import PolicyServiceStub

        return PolicyServiceStub(self.channel("orchestrator"))

    @property
    def suites(self) -> SuiteServiceAsyncStub:
        from ratchet.orchestrator.v1.suite_service_pb2_grpc import SuiteServiceStub

        return SuiteServiceStub(self.channel("orchestrator"))

    @property
    def trajectories(self) -> TrajectoryServiceAsyncStub:
        from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub

        return TrajectoryServiceStub(self.channel("trajectory"))

    @property
    def training(self) -> TrainingServiceAsyncStub:
        from ratchet.training.v1.training_service_pb2_grpc import TrainingServiceStub

        return TrainingServiceStub(self.channel("training"))

    @property
    def scoring(self) -> ScoringServiceAsyncStub:
        from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub

        return ScoringServiceStub(self.channel("scoring"))

    async def close(self) -> None:
        """Close the channels; calls in flight are dropped."""
        for channel in self._channels.values():
            await channel.close()


@asynccontextmanager
async def connect(at: Invocation) -> AsyncIterator[Rooms]:
    """The rooms while the block runs."""
    rooms = Rooms(at)
    try:
        yield rooms
    finally:
        await rooms.close()


async def paged(call: Callable[[Any], Awaitable[Any]], request: Any, field: str) -> AsyncIterator[Any]:
    """Every item of a paged list, page by page."""
    while True:
        response = await call(request)
        for item in getattr(response, field):
            yield item
        if not response.next_page_token:
            return
        request.page_token = response.next_page_token


async def some(call: Callable[[Any], Awaitable[Any]], request: Any, field: str, limit: int) -> tuple[list[Any], bool]:
    """The first `limit` items of a paged list (0: all), and whether there are more."""
    found: list[Any] = []
    async for item in paged(call, request, field):
        if limit and len(found) == limit:
            return found, True
        found.append(item)
    return found, False


async def blob(rooms: Rooms, name: str) -> bytes:
    """A blob's bytes."""
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb

    chunks = [piece.chunk async for piece in rooms.trajectories.GetBlob(pb.GetBlobRequest(name=name))]
    return b"".join(chunks)
