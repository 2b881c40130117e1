"""Watching iterations and evaluations to their end, and what is said then.

Invariant: stopping to watch never stops the run; how to come back to it is always said.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from services.cli import client, failures, iteration_text, output, progress, scores, watching
from services.cli.invocation import Invocation
from services.cli.words import short
from services.common.errors import RatchetError, Unavailable

if TYPE_CHECKING:
    from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
    from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration


class Watched:
    """Which run is being watched, for the one who has to say how to come back to it."""

    def __init__(self, command: str) -> None:
        self._command = command
        self.name = ""
        self.host_started = False

    @contextmanager
    def resumable(self, at: Invocation) -> Iterator[None]:
        """Say how to resume when the block is interrupted, the host is away or the disk is full.

        After the host was stopped, where it was started for the command.
        """
        try:
            yield
        except (asyncio.CancelledError, RatchetError) as end:
            stopped = isinstance(end, asyncio.CancelledError | Unavailable) or end.reason == "STORAGE_FAILED"
            if self.name and stopped:
                for text in self.resume(at):
                    output.note(text)
            raise

    def resume(self, at: Invocation) -> list[str]:
        """How to go on, in lines."""
        watch = at.again(self._command, "watch", short(self.name))
        if self.host_started:
            return [
                f"{self.name} is stopped, and nothing of it is lost. To go on with it:",
                f"  {at.again('up')}",
                f"  {watch}",
            ]
        return [f"{self.name} goes on in the host; watch it again with:", f"  {watch}"]


async def watch_iterations(rooms: client.Rooms, name: str, watched: Watched | None = None) -> list[Iteration]:
    """Watch an iteration and the rounds that follow it; returns each as it ended."""
    ended: list[Iteration] = []
    with progress.shown() as show:
        while name:
            if watched is not None:
                watched.name = name
            newest = None
            async for found in watching.iteration(rooms, name):
                newest = found
                show(progress.of_iteration(found))
            if newest is None:
                break
            ended.append(newest)
            name = newest.next
    return ended


async def watch_evaluation(rooms: client.Rooms, name: str) -> Evaluation:
    """Watch an evaluation; returns it as it ended."""
    newest: Any = None
    with progress.shown() as show:
        async for found in watching.evaluation(rooms, name):
            newest = found
            show(progress.of_evaluation(found))
    ended: Evaluation = newest
    return ended


def conclude(at: Invocation, ended: Sequence[Iteration], reports: Sequence[Path] = ()) -> None:
    """Print what came of the iterations. Exits with 1 when the last one did not succeed."""
    if at.as_json:
        document: dict[str, Any] = {"iterations": [output.as_dict(found) for found in ended]}
        if reports:
            document["reports"] = [str(path) for path in reports]
        output.document(document)
    else:
        for found in ended:
            output.say()
            output.say(f"{found.name}: {iteration_text.verdict(found)}")
            scores.print_reports(found.reports, iteration_text.roles(found))
            if found.filter.num_trajectories:
                output.say(iteration_text.filter_line(found))
            if found.time.wall_s:
                output.say(iteration_text.time_line(found.time))
        for path in reports:
            output.say(f"report: {path}")
    if ended and ended[-1].state != watching.SUCCEEDED:
        raise typer.Exit(failures.OTHER)


def conclude_evaluation(at: Invocation, ended: Evaluation) -> None:
    """Print what came of the evaluation. Exits with 1 when it did not succeed."""
    if at.as_json:
        output.document(output.as_dict(ended))
    else:
        output.say()
        scores.print_reports([ended.report], scores.Roles())
        output.say(f"trajectories: {at.again('trajectories', 'list', '--run', ended.name)}")
    if ended.state != watching.SUCCEEDED:
        output.problem(
            f"{ended.name} {'was cancelled' if ended.state == watching.CANCELLED else 'failed'} {ended.error}"
        )
        raise typer.Exit(failures.OTHER)
