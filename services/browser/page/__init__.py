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


@cache
def clipboard() -> str:
    """An object with `take()` and `expect(data)`, the same each time in one world (see clipboard.js)."""
    body = (resources.files(__package__) / "clipboard.js").read_text("utf-8")
    return f"(globalThis.ratchetClipboard ??= {body})"


def installer(*, shares_clipboard: bool) -> str:
    """Makes the scripts ready in a world: run in each new document, they are compiled once for all of a process."""
    ready = f"globalThis.ratchetPage = {_factory()};"
    return f"{clipboard()};\n{ready}" if shares_clipboard else ready


def start(first: int) -> str:
    """An object with `observe(options)`, `locate(options)`, `resolve(number)` and `mark(numbers)`, or undefined.

    Its numbers begin after `first`. Undefined where the script is not ready: then `source` starts it, more slowly.
    """
    return f"globalThis.ratchetPage?.({first})"


def source(first: int = 0) -> str:
    """The same object in any world."""
    return f"({_factory()})({first})"
