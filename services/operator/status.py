"""The status of a resource, in the words of charts/ratchet/crds/selfimprovements.yaml. Pure functions.

Invariant: a score is never told without its n and its interval; of the three conditions Ready, Progressing and Failed
at most one is True, and a condition's time is that of its last change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from ratchet.orchestrator.v1.score_pb2 import Difference, Score

PENDING, RUNNING, SUCCEEDED, FAILED, CANCELLED, REFUSED = (
    "Pending",
    "Running",
    "Succeeded",
    "Failed",
    "Cancelled",
    "Refused",
)
ENDED = frozenset({SUCCEEDED, FAILED, CANCELLED, REFUSED})
RESUMABLE = frozenset({FAILED, CANCELLED})
_STATES = {
    Iteration.STATE_RUNNING: RUNNING,
    Iteration.STATE_SUCCEEDED: SUCCEEDED,
    Iteration.STATE_FAILED: FAILED,
    Iteration.STATE_CANCELLED: CANCELLED,
}
# Which condition a state makes true.
_TRUE = {PENDING: "Progressing", RUNNING: "Progressing", SUCCEEDED: "Ready", FAILED: "Failed", REFUSED: "Failed"}
_TYPES = ("Ready", "Progressing", "Failed")
_UNKNOWN_STATUS = "Unknown"


def before_start(state: str, reason: str, message: str) -> dict[str, Any]:
    """Of a run that is not there: Pending or Refused."""
    return {"state": state, **_told(state, reason, message)}


def of(rounds: Sequence[Iteration], report: str) -> dict[str, Any]:
    """Of a run, the newest round last; None for what it has none of, which removes what stood there."""
    now = rounds[-1]
    state = _STATES[now.state]
    measured = next((each for each in reversed(rounds) if each.reports), now)
    judged = next((each for each in reversed(rounds) if each.verdict), now)
    promoted = [each.candidate_policy for each in rounds if each.verdict == "promoted"]
    progress = next((each for each in now.phases if each.phase == now.phase and each.num_total), None)
    found: dict[str, Any] = {
        "state": state,
        "iteration": now.name,
        "phase": now.phase if state == RUNNING else None,
        "progress": f"{progress.num_done}/{progress.num_total}" if progress and state == RUNNING else None,
        "round": now.round,
        "base": _score_of(measured, measured.base_policy),
        "score": _score_of(measured, measured.candidate_policy),
        "verdict": judged.verdict or None,
        "verdictReason": judged.verdict_reason or None,
        "basePolicy": now.base_policy or None,
        "candidatePolicy": now.candidate_policy or None,
        "promotedPolicy": promoted[-1] if promoted else None,
        "report": report,
        "scores": _scores(measured),
        "differences": _differences(measured),
        "rounds": [_round(each) for each in rounds],
    }
    return found | _told(state, _reason(now, state), _message(now, state))


def unknown(reason: str, message: str) -> dict[str, Any]:
    """While nobody can tell how the run is: what was known stays, but whether it progresses."""
    return {"conditions": [{"type": "Progressing", "status": _UNKNOWN_STATUS, "reason": reason, "message": message}]}


def changes(found: Mapping[str, Any], seen: Mapping[str, Any], generation: int) -> dict[str, Any]:
    """What to write over the status that was seen; empty where nothing is new."""
    told = dict(found)
    known = {each["type"]: each for each in seen.get("conditions", [])}
    for condition in told.pop("conditions"):
        earlier = known.get(condition["type"], {})
        same = earlier.get("status") == condition["status"]
        moment = earlier["lastTransitionTime"] if same else f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        known[condition["type"]] = {**condition, "observedGeneration": generation, "lastTransitionTime": moment}
    told["conditions"] = [known[each] for each in _TYPES if each in known]
    told["observedGeneration"] = generation
    return {key: value for key, value in told.items() if seen.get(key) != value}


def reason_of(text: str) -> str:
    """ITERATION_RUNNING as Kubernetes writes it: IterationRunning."""
    return "".join(word.capitalize() for word in text.split("_"))


def _told(state: str, reason: str, message: str) -> dict[str, Any]:
    holds = _TRUE.get(state)
    return {
        "conditions": [
            {"type": each, "status": "True" if each == holds else "False", "reason": reason, "message": message}
            for each in _TYPES
        ]
    }


def _reason(now: Iteration, state: str) -> str:
    return now.phase.capitalize() if state == RUNNING and now.phase else state


def _message(now: Iteration, state: str) -> str:
    if state == RUNNING:
        return f"{now.name} is in its phase {now.phase}" if now.phase else f"{now.name} has started"
    if state == SUCCEEDED:
        return f"{now.name}: {now.verdict}{f': {now.verdict_reason}' if now.verdict_reason else ''}"
    return f"{now.name} {state.lower()}{f': {now.error}' if now.error else ''}"


def _score_of(measured: Iteration, policy: str) -> str | None:
    """Of a policy on the first split that has it: '41.3 % [33.8, 48.8] n=120'."""
    found = [each for report in measured.reports for each in report.scores if policy and each.policy == policy]
    return _text(found[0]) if found else None


def _text(score: Score) -> str:
    return f"{100 * score.mean:.1f} % [{100 * score.low:.1f}, {100 * score.high:.1f}] n={score.num_tasks}"


def _scores(measured: Iteration) -> list[dict[str, Any]]:
    return [
        _measure(report.split, each) | {"numSolved": each.num_solved}
        for report in measured.reports
        for each in report.scores
    ]


def _differences(measured: Iteration) -> list[dict[str, Any]]:
    return [
        _measure(report.split, each) | {"baseline": each.baseline, "pValue": each.p_value}
        for report in measured.reports
        for each in report.differences
    ]


def _measure(split: str, each: Score | Difference) -> dict[str, Any]:
    return {
        "split": split,
        "policy": each.policy,
        "numTasks": each.num_tasks,
        "mean": each.mean,
        "low": each.low,
        "high": each.high,
    }


def _round(each: Iteration) -> dict[str, Any]:
    found = {"iteration": each.name, "round": each.round, "state": _STATES[each.state]}
    return found | {
        key: value for key, value in (("verdict", each.verdict), ("candidatePolicy", each.candidate_policy)) if value
    }
