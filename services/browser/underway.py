"""Work on a session's pages that a page may hold up by a question.

Invariant: a question that a page asks ends the waiting, never the work: that goes on with the answer. Whoever wants
the pages for something else has the question dismissed first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from services.browser.ports import Context, LoadFailed, NotActionable

T = TypeVar("T")


class Underway:
    """The work of one session; one piece at a time."""

    def __init__(self, context: Context) -> None:
        self._context, self._dialogs = context, context.dialogs
        self._dialogs.asked = self._ask
        # Ends the waiting for what is being done.
        self._leave: Callable[[], object] | None = None
        # What waits for an answer.
        self._held: asyncio.Task[Any] | None = None

    async def do(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What the work gives, or raises; None when a page asks something first, and the work waits for the answer."""
        task = await self._wait(work)
        if task.done():
            return task.result()
        self._held = task
        return None

    async def look(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What the work gives, or raises; None when a page asks something first, and the work is given up."""
        loop = asyncio.get_running_loop()
        # Every observation passes here: a task of its own would cost it several turns of the loop.
        try:
            async with asyncio.timeout(None) as patience:
                self._until_asked(lambda: patience.reschedule(loop.time()))
                return await work
        except TimeoutError:
            if patience.expired():
                return None
            raise
        finally:
            self._leave = None

    async def answer(self, *, accept: bool, text: str | None) -> None:
        """Answer the open question; done when the work that it held up is, or the next one is asked.

        Raises NotActionable, TabCrashed.
        """
        question = self._dialogs.question
        if question is None:
            raise NotActionable("no dialog is open")
        if text is not None and question.kind != "prompt":
            raise NotActionable(f"a {question.kind} takes no text; answer with dialog [accept] or dialog [dismiss]")
        held = self._take()
        await self._dialogs.answer(accept=accept, text=text)
        await self.do(self._finish(held))

    async def clear(self) -> str:
        """Dismiss the open question, if any, and see the work that it held up to its end; why that failed, or ""."""
        if self._dialogs.question is None:
            return ""
        held = self._take()
        with self.unasked():
            await self._dialogs.dismiss()
            try:
                await self.do(self._finish(held))
            except NotActionable as error:
                return str(error)
        return ""

    @contextmanager
    def unasked(self) -> Iterator[None]:
        """Inside, what pages ask is dismissed at once."""
        before, self._dialogs.is_holding = self._dialogs.is_holding, False
        try:
            yield
        finally:
            self._dialogs.is_holding = before

    def stop(self) -> None:
        """Give up what is held; idempotent."""
        held = self._take()
        if held is not None:
            held.cancel()

    async def _wait(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """The work, begun, and done unless a page asked something first."""
        task = asyncio.create_task(work, name="browser: work on a page")
        # Whoever gave it up does not want to know how it ended.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        asked = asyncio.get_running_loop().create_future()
        self._until_asked(lambda: asked.set_result(None))
        try:
            await asyncio.wait((task, asked), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait((task,))
            raise
        finally:
            self._leave = None
        return task

    async def _finish(self, held: asyncio.Task[Any] | None) -> None:
        try:
            if held is not None:
                await held
        except LoadFailed as error:
            raise NotActionable(f"the page {error}") from error
        finally:
            if self._context.tabs:
                await self._context.front.settle()
        await self._context.settled()

    def _take(self) -> asyncio.Task[Any] | None:
        """What is held; nothing where it ended meanwhile: all it could say is that it got no answer."""
        held, self._held = self._held, None
        return None if held is None or held.done() else held

    def _until_asked(self, leave: Callable[[], object]) -> None:
        self._leave = leave
        if self._dialogs.question is not None:  # it asked before anything was begun
            self._ask()

    def _ask(self) -> None:
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
