"""Whether words come from somewhere: what is typed and answered must stand in the task or on a page that was seen.

Invariant: looks at words only, in order and unbroken; case and typography do not count.
"""

from __future__ import annotations

import functools
import re
import unicodedata

# What an agent says whose task was to do something, not to find something out.
_DONE = {"done", "completed", "finished", "success", "task completed", "the task is done"}
_TYPED = re.compile(r"^(?:type|select) \[\d+\] \[(.*?)\](?: \[[01]\])?$", re.DOTALL)
# Words and numbers apart, so that "2min" and "2 min" are the same.
_WORD = re.compile(r"\d+(?:\.\d+)*|[^\W\d_]+")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")


def words(text: str) -> list[str]:
    """Lower-case words and numbers; "1,200" is "1200", and typography does not count."""
    return _WORD.findall(_THOUSANDS.sub("", unicodedata.normalize("NFKC", text).casefold()))


def stands_in(text: str, *sources: str) -> bool:
    """Whether the words of a text stand in one of the sources, in order and unbroken."""
    return any(_spaced(text) in _spaced(source) for source in sources)


# One page is asked about again for each response to it, and for each later step.
@functools.lru_cache(maxsize=64)
def _spaced(text: str) -> str:
    return f" {' '.join(words(text))} "


def typed_text(action: str) -> str | None:
    """What an action types or selects; None for every other action."""
    match = _TYPED.match(action)
    return None if match is None else match[1]


def says_done(answer: str) -> bool:
    """Whether an answer only tells that the task was carried out."""
    return answer.strip().strip("'\".").lower() in _DONE


def leaves_open(intent: str, answer: str) -> bool:
    """Whether a question is answered by having done something."""
    return intent.rstrip().endswith("?") and says_done(answer)
