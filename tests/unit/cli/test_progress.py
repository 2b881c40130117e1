"""Live progress on something that is no terminal."""

from __future__ import annotations

import io

from rich.console import Console

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration, PhaseProgress
from services.cli import progress


def _running(done: int, elapsed_s: float) -> Iteration:
    found = Iteration(name="iterations/a1", state=Iteration.STATE_RUNNING, phase="collect", base_policy="policies/base")
    found.spec.suite, found.spec.rounds = "arena", 2
    found.phases.append(
        PhaseProgress(phase="collect", num_done=done, num_total=100, elapsed_s=elapsed_s, remaining_s=30.0)
    )
    return found


def test_a_line_is_written_per_tenth_and_at_the_latest_after_a_while() -> None:
    lines: list[str] = []
    now = [0.0]
    show = progress.Lines(lines.append, lambda: now[0])
    for done in (0, 1, 5, 9, 10, 11):
        show(progress.of_iteration(_running(done, 2.0 * done)))
    assert lines[0] == "iterations/a1 · arena · from base · round 1 of 2"
    assert [line.split()[1] for line in lines[1:]] == ["0/100", "10/100"]
    now[0] = 16.0
    show(progress.of_iteration(_running(12, 24.0)))
    assert lines[-1].split() == ["collect", "12/100", "30.0/min", "elapsed", "24.0", "s", "left", "30.0", "s"]


def test_a_phase_that_is_done_is_said_once_and_scores_follow_when_they_are_known(iteration: Iteration) -> None:
    lines: list[str] = []
    show = progress.Lines(lines.append)
    for _ in range(3):
        show(progress.of_iteration(iteration))
    assert [line.split()[:2] for line in lines[1:6]] == [[name, "done"] for name in progress.PHASES]
    scores = "base 35.0 % [28.0, 42.5] · tuned 45.0 % [38.0, 52.5] · trivial 5.0 % [0.0, 12.5]"
    assert lines[6] == f"  heldout-instances (n = 160): {scores}"
    assert len(lines) == 8


def test_on_a_terminal_every_phase_has_its_row_with_rate_and_time_left() -> None:
    target = io.StringIO()
    console = Console(file=target, width=110, force_terminal=False)
    console.print(progress._grid(progress.of_iteration(_running(50, 25.0)), age_s=10.0))
    text = target.getvalue()
    assert [line.split()[1] for line in text.splitlines()[1:6]] == list(progress.PHASES)
    collect = text.splitlines()[1]
    assert "50/100" in collect
    assert "2.0/s" in collect
    assert "35.0 s" in collect  # the clock went on for 10 s since the message
    assert "left 20.0 s" in collect
