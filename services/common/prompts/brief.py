"""A short prompt for small models: the page, where it is, the objective, the last action.

The page stands first, so that questions about one page share a prefix.
"""

from __future__ import annotations

import re

from services.common.prompts.grammar import ACTION
from services.common.prompts.view import Part, PromptFormat, Thought, View

_ACTION = re.compile(r"^ACTION:\s*(.+?)\s*$", re.MULTILINE)
_CLAIM = re.compile(r" \[\d+\]$")
_NAMED = re.compile(r"^(\w+) \[\d+\]")


def build(view: View, max_tokens: int) -> list[Part]:
    """Three parts of one user turn; only the observation is cut."""
    rest = f"\nURL: {view.url}\nOBJECTIVE: {view.intent}\nPREVIOUS: {previous(view)}\nNEXT:\n"
    return [
        Part("user", "PAGE:\n"),
        Part("user", view.observation, max_tokens),
        Part("user", rest),
    ]


def previous(view: View) -> str:
    """The last action with its element's role and name in place of the id, which means nothing on a new page."""
    role, name = view.previous_element
    if not view.previous:
        return "none"
    if not role:
        return view.previous
    return _NAMED.sub(lambda match: f"{match[1]} {role} '{name}'", view.previous, count=1)


def extract(response: str) -> str | None:
    """The last line that starts with ACTION:."""
    found = _ACTION.findall(response)
    return found[-1] if found else None


def phrase(thought: Thought) -> str:
    """One line of thought, one of action."""
    return f"{thought.text}\nACTION: {thought.action}"


def claimed(response: str) -> str:
    """The thought without its id: what the model takes the element to be called."""
    return _CLAIM.sub("", response.partition("\n")[0]).strip()


FORMAT = PromptFormat(
    name="brief",
    build=build,
    extract=extract,
    phrase=phrase,
    claimed=claimed,
    observation_format="compact",
    max_observation_tokens=800,
    max_new_tokens=96,
    reserved_tokens=128,
    regex=rf"[^\n]*\nACTION: {ACTION}",
)
