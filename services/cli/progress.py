"""A run while it goes on: a live table on a terminal, a line per change elsewhere, always on stderr.

Invariant: nothing is shown that the server did not say; between messages only clocks move on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from services.cli import output, words
from services.cli.scores import Roles

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ratchet.orchestrator.v1.evaluation_service_pb2 import Evaluation
    from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration

PHASES = ("collect", "curate", "train", "evaluate", "gate")
_LINE_EVERY_S = 15.0
_BAR = 26


class Row(NamedTuple):
    """One phase. `state` is waiting, running or done; times in seconds, 0 when unknown."""

    name: str
    state: str
    done: int = 0
    total: int = 0
    elapsed_s: float = 0.0
    remaining_s: float = 0.0
    detail: str = ""


class View(NamedTuple):
    """What is shown of a run."""

    title: str
    rows: list[Row]
    lines: list[str]


class Show(Protocol):
    """Shows the newest view."""

    def __call__(self, view: View) -> None: ...


def of_iteration(found: Iteration) -> View:
    """An iteration as rows of phases, with the scores that are known."""
    known = {phase.phase: phase for phase in found.phases}
    order = [*PHASES, *(name for name in known if name not in PHASES)]
    rows = []
    for name in order:
        phase = known.get(name)
        if phase is None:
            rows.append(Row(name, "waiting"))
            continue
        state = "done" if phase.finished else "running" if name == found.phase or phase.num_done else "waiting"
        left_s = 0.0 if phase.finished else phase.remaining_s
        rows.append(Row(name, state, phase.num_done, phase.num_total, phase.elapsed_s, left_s, phase.detail))
    rounds = f" · round {max(1, found.round)} of {found.spec.rounds}" if found.spec.rounds > 1 else ""
    title = f"{found.name} · {found.spec.suite} · from {words.short(found.base_policy) or words.DASH}{rounds}"
    roles = Roles(found.base_policy, found.candidate_policy)
    return View(title, rows, [_standing(report, roles) for report in found.reports])


def of_evaluation(found: Evaluation) -> View:
    """An evaluation as one row."""
    elapsed_s = time.time() - found.create_time.seconds if found.create_time.seconds else 0.0
    left_s = elapsed_s / found.num_done * (found.num_total - found.num_done) if found.num_done else 0.0
    row = Row(
        "evaluate",
        "running" if found.state == 1 else "done",
        found.num_done,
        found.num_total,
        max(0.0, elapsed_s),
        max(0.0, left_s),
    )
    title = f"{found.name} · {words.short(found.spec.policy)} on {found.spec.suite} {found.spec.split}"
    return View(title, [row], [_standing(found.report, Roles())] if found.report.scores else [])


def _standing(report: Any, roles: Roles) -> str:
    scores = " · ".join(
        f"{roles.label(score.policy)} {words.percent(score.mean)} {words.interval(score.low, score.high)}"
        for score in report.scores
    )
    num_tasks = max((score.num_tasks for score in report.scores), default=0)
    return f"{report.split} (n = {num_tasks}): {scores}"


def rate(row: Row) -> str:
    """'3.2/s' or '14/min'; empty while nothing is known."""
    if row.done <= 0 or row.total <= 1 or row.elapsed_s <= 0:
        return ""
    per_s = row.done / row.elapsed_s
    return f"{per_s:.1f}/s" if per_s >= 1 else f"{60 * per_s:.1f}/min"


@contextmanager
def shown() -> Iterator[Show]:
    """Something that shows views while the block runs."""
    if sys.stderr.isatty():
        with _live() as show:
            yield show
    else:
        yield Lines(output.note)


class Lines:
    """A line whenever a phase starts, ends, or has moved on by a tenth or for a while."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._clock = clock
        self._title = ""
        self._last: dict[str, tuple[str, int, float]] = {}
        self._said: set[str] = set()

    def __call__(self, view: View) -> None:
        if view.title != self._title:
            self._title = view.title
            self._last.clear()
            self._write(view.title)
        for row in view.rows:
            tenth = 10 * row.done // row.total if row.total else 0
            before = self._last.get(row.name)
            if row.state == "waiting" or (before and before[0] == row.state == "done"):
                continue
            if before and before[:2] == (row.state, tenth) and self._clock() - before[2] < _LINE_EVERY_S:
                continue
            self._last[row.name] = (row.state, tenth, self._clock())
            self._write(line(row))
        for text in view.lines:
            if text not in self._said:
                self._said.add(text)
                self._write(f"  {text}")


def line(row: Row) -> str:
    """'  collect   120/240  3.2/s  elapsed 37.0 s  left 40.0 s  detail'."""
    parts = [f"  {row.name:<9}", "done" if row.state == "done" else "" if row.total or row.detail else "begins"]
    parts.append(f"{row.done}/{row.total}" if row.total else "")
    parts.append(rate(row))
    parts.append(f"elapsed {words.duration(row.elapsed_s)}" if row.elapsed_s else "")
    parts.append(f"left {words.duration(row.remaining_s)}" if row.remaining_s > 0 else "")
    parts.append(row.detail)
    return "  ".join(part for part in parts if part)


@contextmanager
def _live() -> Iterator[Show]:
    from rich.live import Live

    newest: list[tuple[View, float]] = []

    def render() -> RenderableType:
        if not newest:
            return ""
        view, at = newest[-1]
        return _grid(view, time.monotonic() - at)

    screen = output.console(stderr=True)
    with Live(console=screen, get_renderable=render, refresh_per_second=4, transient=False):

        def show(view: View) -> None:
            if newest and newest[-1][0].title != view.title:
                screen.print(_grid(newest[-1][0], 0.0))
            newest[:] = [(view, time.monotonic())]

        yield show


_MARKS = {"waiting": ("·", "dim"), "running": ("▸", "bold cyan"), "done": ("✓", "green")}


def _grid(view: View, age_s: float) -> RenderableType:
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    for _ in range(6):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="ellipsis", no_wrap=True)
    for row in view.rows:
        mark, style = _MARKS[row.state]
        is_running = row.state == "running"
        elapsed_s = row.elapsed_s + (age_s if is_running else 0)
        left_s = max(0.0, row.remaining_s - age_s)
        bar: RenderableType = ""
        if row.state != "waiting":
            bar = ProgressBar(
                total=row.total or None if is_running else 1,
                completed=row.done if is_running else 1,
                width=_BAR,
                pulse=is_running and not row.total,
            )
        grid.add_row(
            Text(f"{mark} {row.name}", style=style),
            bar,
            Text(f"{row.done}/{row.total}" if row.total else "", justify="right"),
            Text(rate(row), style="dim"),
            Text(words.duration(elapsed_s) if row.state != "waiting" else "", style="dim"),
            Text(f"left {words.duration(left_s)}" if is_running and left_s > 0 else ""),
            Text(output.plain(row.detail), style="dim"),
        )
    lines = [Text(output.plain(text)) for text in view.lines]
    return Group(Text(output.plain(view.title), style="bold"), grid, *lines)
