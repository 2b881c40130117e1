"""The script that reads a page from inside: Chromium's accessibility tree at the cost of a walk.

Invariant: the script runs in a world of its own, changes nothing on the page, and gives one JSON string.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

# In the order in which they build on each other.
_FILES = (
    "numbers",
    "clicks",
    "records",
    "roles",
    "tables",
    "flow",
    "pseudo",
    "fields",
    "dates",
    "walk",
    "names",
    "states",
    "ids",
    "compact",
    "boxes",
    "aim",
    "observe",
)


# So many numbers belong to one script (see numbers.js).
MOST_NUMBERS = 1_000_000


@cache
def _body() -> str:
    folder = resources.files(__package__)
    return "\n".join((folder / f"{name}.js").read_text("utf-8") for name in _FILES)


def source(first: int = 0) -> str:
    """One expression: an object with `observe(options)`, `locate(options)`, `resolve(number)` and `mark(numbers)`.

    Its numbers begin after `first`.
    """
    return f"(firstNumber => {{\n'use strict';\n{_body()}\nreturn {{observe, locate, resolve, mark}};\n}})({first})"
