"""Whether an attempt made things up: what it typed and answered must come from the task or from pages that it saw.

Invariant: looks at the task's words, the pages and the actions only, never at a reward.
"""

from __future__ import annotations

import re

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.scoring.strings import clean, words

# What an agent says that was to do something, not to find something out.
_DONE = {"done", "completed", "finished", "success", "task completed", "the task is done"}
_TYPED = re.compile(r"^(?:type|select) \[\d+\] \[(.*?)\](?: \[[01]\])?$", re.DOTALL)


def broken_rules(attempt: trajectory_pb.Trajectory) -> list[str]:
    """Of "refused" (an action that the page refused), "made_up" and "unanswered"; expects the steps."""
    refused = any(step.error for step in attempt.steps)
    rules = {"refused": refused, "made_up": _made_up(attempt), "unanswered": _unanswered(attempt)}
    return [rule for rule, broken in rules.items() if broken]


def _made_up(attempt: trajectory_pb.Trajectory) -> bool:
    known = " ".join(words(attempt.intent))
    for step in attempt.steps:
        known += "\n" + " ".join(words(step.observation))
        typed = _TYPED.match(step.action)
        if typed and not _says(known, typed[1]):
            return True
    return clean(attempt.answer) not in _DONE and not _says(known, attempt.answer)


def _says(known: str, text: str) -> bool:
    return f" {' '.join(words(text))} " in f" {known} ".replace("\n", " \n ")


def _unanswered(attempt: trajectory_pb.Trajectory) -> bool:
    return attempt.intent.rstrip().endswith("?") and clean(attempt.answer) in _DONE
