"""One iteration in progress: its resource, kept up to date while phases work on it."""

from __future__ import annotations

import time

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration, IterationSpec, PhaseProgress
from services.orchestrator import metrics
from services.orchestrator.episodes import Progress
from services.orchestrator.services import Services

_SAVE_EVERY_S = 0.3


class Turn:
    """Handed to each phase."""

    def __init__(self, services: Services, iteration: Iteration, holder: str) -> None:
        self.services, self.iteration, self._holder = services, iteration, holder
        self._saved_at = 0.0
        self._phase_started = 0.0
        self._elapsed_before = 0.0

    @property
    def spec(self) -> IterationSpec:
        """What was asked for, defaults filled in."""
        return self.iteration.spec

    def phase(self, name: str) -> PhaseProgress:
        """The progress record of a phase."""
        for phase in self.iteration.phases:
            if phase.phase == name:
                return phase
        return self.iteration.phases.add(phase=name)

    async def begin(self, name: str) -> None:
        """Enter a phase."""
        self.iteration.phase = name
        self._phase_started, self._elapsed_before = time.monotonic(), self.phase(name).elapsed_s
        await self.save()

    async def end(self, name: str, *, last: bool) -> None:
        """Leave it; the last one ends the iteration."""
        phase = self.phase(name)
        phase.finished, phase.remaining_s, phase.elapsed_s = True, 0.0, self._elapsed_s()
        metrics.PHASE_SECONDS.labels(name).observe(phase.elapsed_s)
        if last:
            self.iteration.state = Iteration.STATE_SUCCEEDED
            self.iteration.end_time.GetCurrentTime()
            metrics.ENDED.labels("iterations", "succeeded").inc()
        await self.save()

    async def report(self, done: int, total: int, detail: str = "", remaining_s: float = 0.0) -> None:
        """Tell watchers how far the phase is."""
        phase = self.phase(self.iteration.phase)
        phase.num_done, phase.num_total, phase.detail = done, total, detail
        phase.elapsed_s, phase.remaining_s = self._elapsed_s(), remaining_s
        if done >= total or time.monotonic() - self._saved_at > _SAVE_EVERY_S:
            await self.save()

    async def report_episodes(self, progress: Progress) -> None:
        """The same for a phase that runs episodes."""
        solved = f"{progress.solved:g} solved" if progress.done else ""
        lost = f", {progress.lost} lost" if progress.lost else ""
        await self.report(progress.done + progress.lost, progress.total, solved + lost, progress.remaining_s())

    async def save(self) -> None:
        """Store the iteration as it stands. Raises Superseded where it is no longer this process's."""
        self._saved_at = time.monotonic()
        active = self.iteration.state == Iteration.STATE_RUNNING
        await self.services.registry.put(self.iteration, active=active, holder=self._holder)

    def _elapsed_s(self) -> float:
        return self._elapsed_before + time.monotonic() - self._phase_started
