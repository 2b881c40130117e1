"""Questions and answers one after the other on one stream, each at less than half of what a call of its own costs.

Invariant: an answer is that of the question before it; a stream that still owes one is never asked again.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Generic, TypeVar, cast

from grpc import aio

from services.common import errors, telemetry
from services.common.rpc import deadline
from services.common.rpc.client import DEFAULT_TIMEOUT_S

Question = TypeVar("Question")
Answer = TypeVar("Answer")
_CLOSE_S = 2.0


class Conversation(Generic[Question, Answer]):
    """A stream that begins with the first question, and anew with the next one after an error."""

    def __init__(self, begin: aio.StreamStreamMultiCallable[Question, Answer]) -> None:
        """`begin` is a stub's method that gives one answer to each question, in their order."""
        self._begin = begin
        self._call: aio.StreamStreamCall[Question, Answer] | None = None
        self._turn = asyncio.Lock()

    async def ask(self, question: Question, timeout_s: float | None = None) -> Answer:
        """The answer, within as much time as a call has. Raises the RatchetError that the other side ended with."""
        left_s = deadline.bound(timeout_s, DEFAULT_TIMEOUT_S)
        async with self._turn:
            # Whoever leaves early leaves no stream behind.
            call, self._call = self._call, None
            if call is None or call.done():
                call = self._begin(metadata=telemetry.outgoing())
            try:
                async with asyncio.timeout(left_s):
                    await call.write(question)
                    answer = await call.read()
            except aio.AioRpcError as error:
                raise errors.from_rpc_error(error) from error
            except asyncio.InvalidStateError as error:
                raise errors.Unavailable("the stream ended before the question was sent") from error
            except TimeoutError as error:
                call.cancel()
                raise errors.DeadlineExceeded(f"no answer within {left_s:.3g} s") from error
            except BaseException:
                call.cancel()
                raise
            if answer is aio.EOF:
                raise errors.Unavailable("the stream ended without an answer")
            self._call = call
            return cast("Answer", answer)

    async def close(self) -> None:
        """Let the other side end the stream; idempotent."""
        call, self._call = self._call, None
        if call is None or call.done():
            return
        with contextlib.suppress(aio.AioRpcError, asyncio.InvalidStateError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await call.done_writing()
                await call.code()
        call.cancel()
