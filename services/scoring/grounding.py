"""Whether an attempt made things up: what it typed and answered must come from the task or from pages that it saw.

Invariant: looks at the task's words, the pages and the actions only, never at a reward.
"""

from __future__ import annotations

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.grounding import leaves_open, says_done, stands_in, typed_text


def broken_rules(attempt: trajectory_pb.Trajectory) -> list[str]:
    """Of "refused" (an action that the page refused), "made_up" and "unanswered"; expects the steps."""
    rules = {
        "refused": any(step.error for step in attempt.steps),
        "made_up": _made_up(attempt),
        "unanswered": leaves_open(attempt.intent, attempt.answer),
    }
    return [rule for rule, broken in rules.items() if broken]


def _made_up(attempt: trajectory_pb.Trajectory) -> bool:
    seen = [attempt.intent]
    for step in attempt.steps:
        seen.append(step.observation)
        typed = typed_text(step.action)
        if typed is not None and not stands_in(typed, *seen):
            return True
    return not says_done(attempt.answer) and not stands_in(attempt.answer, *seen)
