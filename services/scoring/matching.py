"""Two named ways to compare what was found with what was wanted.

`strict` (the default) compares words as whole words and URLs as parsed. `webarena` does what WebArena's own
evaluators do, its faults included, so that a score can stand beside a published one: "1" is in "12", and
`/viewedasdf` is at `/viewed`. Where WebArena asks a model (fuzzy_match), both go by the words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from services.common.errors import InvalidArgument
from services.scoring import strings, urls

STRICT, WEBARENA = "strict", "webarena"


class Matching(NamedTuple):
    """The comparisons in which the two differ."""

    name: str
    # (reference, answer, whether it is the task's only reference)
    in_answer: Callable[[str, str, bool], bool]
    # (reference, text of a page or element)
    in_page: Callable[[str, str], bool]
    # (reference with alternatives, URL at the end, the task's url_note)
    at_url: Callable[[str, str, str | None], bool]


_MODES = {
    STRICT: Matching(
        STRICT,
        in_answer=lambda reference, answer, _only: strings.says(reference, answer),
        in_page=strings.says,
        at_url=urls.reached,
    ),
    WEBARENA: Matching(
        WEBARENA,
        in_answer=lambda reference, answer, only: strings.contains(reference, answer, by_token=only),
        in_page=strings.contains_any,
        at_url=urls.reached_in_webarena,
    ),
}


def named(name: str) -> Matching:
    """The mode of that name. Raises InvalidArgument naming both."""
    if name not in _MODES:
        raise InvalidArgument(f"matching is {name!r}; use {STRICT} or {WEBARENA}", field="matching")
    return _MODES[name]
