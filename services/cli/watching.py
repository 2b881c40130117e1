"""Following a run on the server: a stream that outlives deadlines and restarts of the host.

Invariant: what was seen once is not shown again, and the stream ends only with the run, or with an error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from services.cli import client, output
from services.common.errors import DeadlineExceeded, Unavailable

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
    from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration

_STREAM_S = 6 * 3600.0
# A host of one's own is started again at once, or by nobody; a pod that died is made anew on some node.
_PATIENCE_S, _REMOTE_PATIENCE_S = 20.0, 180.0
_SAID_AFTER_S = 5.0
_RETRY_S = 0.5
# Both resources number their states alike.
RUNNING, SUCCEEDED, FAILED, CANCELLED = 1, 2, 3, 4


async def iteration(rooms: client.Rooms, name: str) -> AsyncIterator[Iteration]:
    """The iteration now and after each change, until it ends."""
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb

    request = pb.WatchIterationRequest(name=name)
    patience = _Patience(rooms)
    while True:
        try:
            async for reply in rooms.iterations.WatchIteration(request, timeout=_STREAM_S):
                patience.restore()
                request.resume_token = reply.resume_token
                yield reply.iteration
                if reply.iteration.state != RUNNING:
                    return
            await patience.spend(Unavailable("the host ended the stream"))
        except DeadlineExceeded:
            continue
        except Unavailable as error:
            await patience.spend(error)


async def evaluation(rooms: client.Rooms, name: str) -> AsyncIterator[Evaluation]:
    """The evaluation now and after each change, until it ends."""
    from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb

    patience = _Patience(rooms)
    while True:
        try:
            request = pb.WatchEvaluationRequest(name=name)
            async for reply in rooms.evaluations.WatchEvaluation(request, timeout=_STREAM_S):
                patience.restore()
                yield reply.evaluation
                if reply.evaluation.state != RUNNING:
                    return
            await patience.spend(Unavailable("the host ended the stream"))
        except DeadlineExceeded:
            continue
        except Unavailable as error:
            await patience.spend(error)


class _Patience:
    """How long a host may be away (it is being restarted) before watching gives up."""

    def __init__(self, rooms: client.Rooms) -> None:
        self._limit_s = _REMOTE_PATIENCE_S if rooms.are_remote else _PATIENCE_S
        self.restore()

    def restore(self) -> None:
        self._since = 0.0
        self._said = False

    async def spend(self, error: Unavailable) -> None:
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since > self._limit_s:
            raise error
        if now - self._since > _SAID_AFTER_S and not self._said:
            self._said = True
            output.note(f"  no answer from the host: waiting for it, {self._limit_s:.0f} s at most")
        await asyncio.sleep(_RETRY_S)
