"""How a model is asked for the next action and how its answer is read, by name.

Invariant: a format is a pure function of what the agent may see; nothing of the task's evaluation is in it.
"""

from __future__ import annotations

from services.common.errors import InvalidArgument
from services.common.prompts import brief, webarena_cot
from services.common.prompts.view import Part, PromptFormat, View

_FORMATS: dict[str, PromptFormat] = {each.name: each for each in (brief.FORMAT, webarena_cot.FORMAT)}

__all__ = ["Part", "PromptFormat", "View", "named"]


def named(name: str) -> PromptFormat:
    """The format of that name; InvalidArgument lists the known ones."""
    if name not in _FORMATS:
        raise InvalidArgument(f"there is no prompt format {name!r}; known: {', '.join(_FORMATS)}", name=name)
    return _FORMATS[name]
