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
def _factory() -> str:
    folder = resources.files(__package__)
    body = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in _FILES)
    return f"firstNumber => {{\n'use strict';\n{body}\nreturn {{observe, locate, resolve, mark}};\n}}"


def installer() -> str:
    """Makes the script ready in a world: run in each new document, it is compiled once for all of a process."""
    return f"globalThis.ratchetPage = {_factory()};"


def start(first: int) -> str:
    """An object with `observe(options)`, `locate(options)`, `resolve(number)` and `mark(numbers)`, or undefined.

    Its numbers begin after `first`. Undefined where the script is not ready: then `source` starts it, more slowly.
    """
    return f"globalThis.ratchetPage?.({first})"


def source(first: int = 0) -> str:
    """The same object in any world."""
    return f"({_factory()})({first})"
