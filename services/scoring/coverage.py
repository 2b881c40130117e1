"""Whether an attempt dealt with all that the task names: the words that are the task's own must have been used.

Invariant: looks at the tasks' words, what was done and the page that was left, never at a reward.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.grounding import typed_text, words
from services.common.prompts.view import element_id

# A word is a task's own when so few of the run's tasks have it: names, numbers, what is to be written.
_OWN = 0.02


def asked(intent: str) -> frozenset[str]:
    """The words of a task."""
    return frozenset(words(intent))


def used(attempt: trajectory_pb.Trajectory) -> frozenset[str]:
    """The words of the elements that were acted on, of what was typed, of the last page and the answer."""
    found = [attempt.answer]
    for step in attempt.steps:
        number = element_id(step.action)
        if number is not None and (line := re.search(rf"^\s*\[{number}\] (.*)$", step.observation, re.MULTILINE)):
            found.append(line[1])
        found.append(typed_text(step.action) or "")
    if attempt.steps:
        found.append(attempt.steps[-1].observation)
    return frozenset(word for text in found for word in words(text))


def share(asked_words: Collection[str], used_words: Collection[str], tasks: Mapping[str, int], num_tasks: int) -> float:
    """How many of the task's own words were used, 0 to 1; 1 where it has none. `tasks`: in how many each word is."""
    own = [word for word in asked_words if tasks[word] <= max(1, _OWN * num_tasks)]
    return sum(word in used_words for word in own) / len(own) if own else 1.0
