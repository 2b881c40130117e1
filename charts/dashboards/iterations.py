"""Iterations: is the agent getting better, how sure is that, and where does the time go."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from charts.dashboards import panels
from charts.dashboards.queries import INTERVAL, RANGE, Query, count, or_none, rate, series, total

_CHOSEN = ('suite=~"$suite"', 'split=~"$split"')
_ENDS = ("", "_low", "_high")
_LABELS = ("suite", "split", "policy", "role")


def _measured_as(role: str) -> tuple[str, str, str]:
    chosen = (*_CHOSEN, f'role="{role}"')
    mean, low, high = (f"max({series(f'ratchet_task_completion{end}_ratio', *chosen)})" for end in _ENDS)
    return mean, low, high


def _by(labels: tuple[str, ...], name: str, *matchers: str) -> str:
    return f"max by ({', '.join(labels)}) ({series(name, *matchers)})"


def _difference() -> tuple[str, str, str]:
    mean, low, high = (f"max({series(f'ratchet_paired_difference{end}_ratio', *_CHOSEN)})" for end in _ENDS)
    return mean, low, high


def _last_measured(name: str, unit: str) -> dict[str, str]:
    titles = {"mean": "", "low": "_low", "high": "_high"}
    return {title: _by(("agent",), f"{name}{end}_{unit}") for title, end in titles.items()}


def _time_by_phase() -> str:
    spent = f"increase({series('ratchet_iteration_phase_duration_seconds_sum')}[{RANGE}])"
    return f"sort_desc(sum by (phase) ({spent}))"


def board() -> Dashboard:
    """See the module."""
    verdicts = count("ratchet_gate_verdicts_total", by="verdict")
    ended = count("ratchet_ended_runs_total", 'kind="iterations"', by="state")
    completion = {
        "mean": _by(_LABELS, "ratchet_task_completion_ratio", _CHOSEN[0]),
        "low": _by(_LABELS, "ratchet_task_completion_low_ratio", _CHOSEN[0]),
        "high": _by(_LABELS, "ratchet_task_completion_high_ratio", _CHOSEN[0]),
        "n": _by(_LABELS, "ratchet_task_completion_tasks", _CHOSEN[0]),
    }
    lost = or_none(f"sum by (reason) (increase({series('ratchet_failed_attempts_total')}[{INTERVAL}]))", "reason")
    made = [
        panels.numbers(
            "Running",
            "Iterations, and evaluations outside of them, that are worked on now.",
            "short",
            Query(total("ratchet_active_runs", by="kind"), "{{kind}}"),
            width=6,
        ),
        panels.numbers(
            "Ended",
            "Iterations that ended within the time that is looked at.",
            "short",
            Query(ended, "{{state}}"),
            width=9,
        ),
        panels.numbers(
            "The gate's verdicts",
            "A candidate is promoted only on a paired improvement over the policy in use.",
            "short",
            Query(verdicts, "{{verdict}}"),
            width=9,
        ),
        panels.bands(
            "Task completion",
            "Share of tasks solved, with its 95 % interval over tasks: the policy in use (base), the latest candidate, "
            "and the agent that always stops with N/A (trivial).",
            {role: _measured_as(role) for role in panels.COLOURS},
        ),
        panels.bands(
            "Candidate less base, on the same tasks",
            "The paired difference, with its 95 % interval: the gate promotes when all of it is above zero on "
            "heldout-instances, and none is all below zero.",
            {"candidate": _difference()},
            around_zero=True,
        ),
        panels.measured(
            "Task completion by policy",
            "The latest measurement of each of the last policies; n is the number of tasks.",
            "percentunit",
            _LABELS,
            completion,
            width=24,
        ),
        panels.measured(
            "Capability score",
            "Share of capabilities of which an agent solves a task, where an experiment or a report measured it last.",
            "percentunit",
            ("agent",),
            _last_measured("ratchet_capability", "ratio"),
            width=8,
        ),
        panels.measured(
            "VERTEX_DTW",
            "Likeness to successful trajectories, where an experiment or a report measured it last.",
            "none",
            ("agent",),
            _last_measured("ratchet_vertex_dtw", "score"),
            width=8,
        ),
        panels.lines(
            "The filter against the true reward",
            "Precision: plausible attempts that solved their task. Recall: solving attempts that were plausible. "
            "Reported, never used to choose.",
            "percentunit",
            Query(f"max({series('ratchet_filter_precision_ratio')})", "precision"),
            Query(f"max({series('ratchet_filter_recall_ratio')})", "recall"),
            steps=True,
        ),
        panels.lines(
            "Episodes by outcome",
            "Episodes a second that got a result, and those that every attempt failed (lost).",
            "cps",
            Query(rate("ratchet_episodes_total", by="outcome"), "{{outcome}}"),
            stacked=True,
        ),
        panels.lines(
            "Attempts that failed, by reason",
            "Attempts that the machinery failed; they are tried again and count for nothing.",
            "short",
            Query(lost, "{{reason}}"),
        ),
        panels.bars(
            "Time by phase",
            "Time of the phases that ended within the time that is looked at.",
            "s",
            Query(_time_by_phase(), "{{phase}}"),
        ),
    ]
    variables = [
        ("suite", "ratchet_task_completion_ratio", "arena"),
        ("split", "ratchet_task_completion_ratio", "heldout-instances"),
    ]
    about = "Is the agent getting better, how sure is that, and where does the time go."
    return panels.board("Iterations", "ratchet-iterations", about, made, variables)
