"""The thread that owns the model: between steps it does errands, takes up new rows, then steps every group.

Invariant: only this thread touches the model, so adapters come and go between steps; every row that was submitted
is answered, failed or abandoned by its caller.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import torch

from services.common.errors import FailedPrecondition, RatchetError, Unavailable
from services.common.telemetry import log
from services.serving.adapters.decoding import Group
from services.serving.adapters.prefixes import Prefixes
from services.serving.adapters.rows import Row
from services.serving.adapters.variants import Variants

T = TypeVar("T")


class ModelFailed(FailedPrecondition):
    """The model could not compute a step, most often for lack of memory."""

    reason = "MODEL_FAILED"


class Worker:
    """Continuous batching over one base and its adapters."""

    def __init__(
        self,
        variants: Variants,
        prefixes: Prefixes,
        new_group: Callable[[str], Group],
        max_batch: int,
        threads: int,
    ) -> None:
        self._variants = variants
        self._prefixes = prefixes
        self._new_group = new_group
        self._max_batch = max_batch
        self._threads = threads
        self._groups: dict[str, Group] = {}
        self._waiting: deque[Row] = deque()
        self._errands: deque[Callable[[], None]] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread after the step in hand; what is unanswered fails with Unavailable. Idempotent."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()

    def submit(self, row: Row) -> None:
        """Queue a row; its future is answered by the thread. Raises Unavailable once closed."""
        with self._wake:
            self._refuse_if_closed()
            self._waiting.append(row)
            self._wake.notify()

    def call(self, errand: Callable[[], T]) -> Future[T]:
        """Run something between two steps. Raises Unavailable once closed."""
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = errand()
            except (RatchetError, RuntimeError, ValueError, OSError) as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        with self._wake:
            self._refuse_if_closed()
            self._errands.append(run)
            self._wake.notify()
        return future

    def add_adapter(self, digest: str, directory: Path) -> Future[None]:
        """Hold an adapter."""
        return self.call(lambda: self._variants.add(digest, directory))

    def remove_adapter(self, digest: str) -> Future[None]:
        """Drop an adapter and everything that it computed."""

        def remove() -> None:
            self._groups.pop(digest, None)
            self._prefixes.forget(digest)
            self._variants.remove(digest)

        return self.call(remove)

    def _refuse_if_closed(self) -> None:
        if self._closing:
            raise Unavailable("the engine has stopped; start the serving room again")

    def _main(self) -> None:
        torch.set_num_threads(self._threads)
        try:
            while self._next():
                self._work()
        finally:
            with self._wake:
                self._closing = True
                errands, self._errands = list(self._errands), deque()
            stopped = Unavailable("the engine stopped before the answer was complete; try again")
            for row in [*self._waiting, *(row for group in self._groups.values() for row in group.rows)]:
                row.fail(stopped)
            for errand in errands:
                errand()

    def _next(self) -> bool:
        with self._wake:
            while not (self._closing or self._waiting or self._errands or self._num_rows()):
                self._wake.wait()
            errands, self._errands = list(self._errands), deque()
            closing = self._closing
        for errand in errands:
            errand()
        return not closing

    def _num_rows(self) -> int:
        return sum(len(group.rows) for group in self._groups.values())

    def _work(self) -> None:
        for adapter, rows in self._taken_up().items():
            group = self._groups.get(adapter)
            if group is None:
                group = self._groups[adapter] = self._new_group(adapter)
            while rows:
                wave, rows = group.wave(rows)
                with self._answering(wave):
                    group.admit(self._variants.select(adapter), wave)
        for group in list(self._groups.values()):
            with self._answering(group.rows) as computed:
                group.step(self._variants.select(group.adapter))
            if not computed:
                self._groups[group.adapter] = self._new_group(group.adapter)

    def _taken_up(self) -> dict[str, list[Row]]:
        """The rows that there is room for, by adapter."""
        with self._wake:
            room = self._max_batch - self._num_rows()
            rows: list[Row] = []
            while self._waiting and len(rows) < room:
                row = self._waiting.popleft()
                if not row.future.cancelled():
                    rows.append(row)
        found: defaultdict[str, list[Row]] = defaultdict(list)
        # Longest first: the slab then moves once at most, and shorter prompts find their shared start.
        for row in sorted(rows, key=lambda row: -len(row.prompt)):
            found[row.adapter].append(row)
        return found

    @contextmanager
    def _answering(self, rows: list[Row]) -> Iterator[list[bool]]:
        """Fail the rows with what goes wrong in the block; yields a list that is [True] if nothing did."""
        outcome: list[bool] = []
        try:
            yield outcome
            outcome.append(True)
        except (RuntimeError, LookupError, ValueError, TypeError) as error:
            log().error("model step failed", num_rows=len(rows), exc_info=error)
            for row in rows:
                row.fail(
                    ModelFailed(
                        f"the model failed on a batch of {len(rows)}: {error}; "
                        "lower serving.max_batch or shorten the prompt"
                    )
                )
