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
    "observe",
)


@cache
def source() -> str:
    """One expression: an object with `observe(options)`, `resolve(number)` and `mark(numbers)`."""
    folder = resources.files(__package__)
    parts = "\n".join((folder / f"{name}.js").read_text("utf-8") for name in _FILES)
    return f"(() => {{\n'use strict';\n{parts}\nreturn {{observe, resolve, mark}};\n}})()"
