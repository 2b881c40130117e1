"""From a resource as it is to what is done about it and told of it.

Invariant: every answer is worked out anew from the resource's UID and spec and from the orchestrator. An operator that
is killed at any moment and started again does what the first one would have done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from services.common.errors import InvalidArgument, NotFound, RatchetError
from services.common.telemetry import log
from services.operator import metrics, status
from services.operator.runs import Runs
from services.operator.settings import OperatorSettings


@dataclass(frozen=True)
class Resource:
    """A SelfImprovement as the API server has it."""

    uid: str
    name: str
    spec: Mapping[str, Any]
    status: Mapping[str, Any] = field(default_factory=dict)
    generation: int = 1


@dataclass(frozen=True)
class Note:
    """An Event for people."""

    reason: str
    message: str
    is_warning: bool = False


@dataclass(frozen=True)
class Outcome:
    """What to write, to tell, and whether to come back: `retry_s` is None for no, `refused` says why never."""

    status: dict[str, Any]
    notes: tuple[Note, ...] = ()
    retry_s: float | None = None
    refused: str = ""


class Reconciler:
    """Brings resources and runs together."""

    def __init__(self, runs: Runs, settings: OperatorSettings) -> None:
        self._runs, self._settings = runs, settings

    async def begin(self, seen: Resource) -> Outcome:
        """Start the run that a new resource, or one that was refused and then edited, asks for."""
        try:
            return self._told(seen, await self._runs.start(seen.uid, seen.spec))
        except (InvalidArgument, NotFound) as error:
            found = status.before_start(status.REFUSED, status.reason_of(error.reason), error.message)
            metrics.SYNCS.labels("refused").inc()
            log().warning("resource refused", resource=seen.name, reason=error.reason, message=error.message)
            note = Note("Refused", error.message, is_warning=True)
            return Outcome(status.changes(found, seen.status, seen.generation), (note,), refused=error.message)
        except RatchetError as error:
            found = status.before_start(status.PENDING, status.reason_of(error.reason), error.message)
            return self._later(seen, found, error, "Waiting")

    async def follow(self, seen: Resource) -> Outcome:
        """See how a run that was started is."""
        return await self._asked(seen, lambda: self._runs.rounds(seen.uid))

    async def resume(self, seen: Resource) -> Outcome:
        """Go on with a run that failed or was cancelled."""
        return await self._asked(seen, lambda: self._runs.resume(seen.uid))

    async def end(self, seen: Resource) -> Outcome:
        """Cancel the run of a resource that is to go; a run that was never started needs nothing."""
        return await self._asked(seen, lambda: self._runs.cancel(seen.uid), may_be_gone=True)

    async def _asked(
        self, seen: Resource, ask: Callable[[], Awaitable[list[Iteration]]], *, may_be_gone: bool = False
    ) -> Outcome:
        try:
            rounds = await ask()
        except RatchetError as error:
            found = status.unknown(status.reason_of(error.reason), error.message)
            return self._later(seen, found, error, "OrchestratorAway")
        if rounds or may_be_gone:
            return self._told(seen, rounds)
        message = (
            "the orchestrator knows no iteration of this resource: its database is another one than when it started; "
            "delete this SelfImprovement and create it anew"
        )
        found = status.before_start(status.FAILED, "IterationLost", message)
        metrics.SYNCS.labels("failed").inc()
        note = Note("IterationLost", message, is_warning=True)
        return Outcome(status.changes(found, seen.status, seen.generation), (note,))

    def _later(self, seen: Resource, found: dict[str, Any], error: RatchetError, reason: str) -> Outcome:
        metrics.SYNCS.labels("waiting").inc()
        changed = status.changes(found, seen.status, seen.generation)
        log().warning("resource waits", resource=seen.name, reason=error.reason, message=error.message)
        notes = (Note(reason, error.message, is_warning=True),) if "conditions" in changed else ()
        return Outcome(changed, notes, retry_s=self._settings.retry_s)

    def _told(self, seen: Resource, rounds: Sequence[Iteration]) -> Outcome:
        metrics.SYNCS.labels("done").inc()
        if not rounds:
            return Outcome({})
        found = status.of(rounds, self._report(rounds[-1].name))
        return Outcome(status.changes(found, seen.status, seen.generation), tuple(_notes(seen.status, found, rounds)))

    def _report(self, iteration: str) -> str:
        short = iteration.partition("/")[2]
        url = self._settings.report_url
        return url.replace("{iteration}", short) if url else f"ratchet report {short}"


def _notes(seen: Mapping[str, Any], found: Mapping[str, Any], rounds: Sequence[Iteration]) -> list[Note]:
    """What happened between two looks."""
    notes = []
    known = {each["iteration"]: each for each in seen.get("rounds") or []}
    for each in rounds:
        earlier = known.get(each.name)
        if earlier is None:
            notes.append(Note("Started", f"{each.name} has started from {each.base_policy}, round {each.round}"))
        if each.verdict and (earlier is None or not earlier.get("verdict")):
            notes.append(Note(each.verdict.capitalize(), f"{each.name}: {each.verdict_reason or each.verdict}"))
    if found["state"] != seen.get("state") and found["state"] in status.ENDED:
        message = next(each["message"] for each in found["conditions"])
        notes.append(Note(found["state"], message, is_warning=found["state"] != status.SUCCEEDED))
    return notes
