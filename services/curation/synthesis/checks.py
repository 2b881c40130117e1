"""What an example must hold: one action of a known form, on an element that its page has.

Invariant: what passes would have been taken by the agent loop: the prompt format reads the same action out of it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from services.common.prompts import PromptFormat
from services.common.prompts.view import Thought, element_id, stop_answer
from services.curation.synthesis.examples import Refused

_ID, _TEXT = r"\[\d{1,4}\]", r"\[[^\n]+\]"
_FORMS = {
    "click": _ID,
    "hover": _ID,
    "type": rf"{_ID} \[[^\n]*\](?: \[[01]\])?",
    "select": f"{_ID} {_TEXT}",
    "scroll": r"\[(?:up|down)\]",
    "press": _TEXT,
    "goto": _TEXT,
    "stop": _TEXT,
    "tab_focus": _ID,
    "new_tab": "",
    "close_tab": "",
    "go_back": "",
    "go_forward": "",
}
_VERB = re.compile(r"([a-z_]+) ?(.*)", re.DOTALL)
_ELEMENT = re.compile(r"^\s*\[(\d{1,4})\] (\w+) (['\"])(.*?)\3.*$", re.MULTILINE)


class Element(NamedTuple):
    """A line of a page that can be acted on."""

    line: str
    role: str
    name: str


def elements(page: str) -> dict[int, Element]:
    """Every element of a page by its id, in either observation format. Raises Refused for an id that stands twice."""
    found: dict[int, Element] = {}
    for match in _ELEMENT.finditer(page):
        number = int(match[1])
        if number in found:
            raise Refused("repeated_id", f"[{number}] stands twice on the page")
        found[number] = Element(match[0].strip(), match[2], match[4])
    return found


def action_of(response: str, prompt_format: PromptFormat) -> str:
    """The one action of a response. Raises Refused naming what is wrong with it."""
    action = prompt_format.extract(response)
    if action is None:
        raise Refused("no_action", response)
    before, _, after = response.rpartition(action)
    # What leads to an action in this format, "ACTION:" or a fence, is none by itself.
    lead = prompt_format.phrase(Thought("", action)).partition(action)[0].split()[-1]
    if prompt_format.extract(before.rstrip().removesuffix(lead)) is not None or after.strip(" \n`."):
        raise Refused("several_actions", response)
    check_form(action)
    if (answer := stop_answer(action)) is not None and answer.upper() in ("", "N/A"):
        raise Refused("gave_up", action)
    return action


def check_form(action: str) -> None:
    """Raise Refused unless it is a known verb with arguments of its form."""
    match = _VERB.fullmatch(action)
    if match is None or match[1] not in _FORMS:
        raise Refused("unknown_verb", action)
    if not re.fullmatch(_FORMS[match[1]], match[2]):
        raise Refused("bad_arguments", action)


def check_on_page(action: str, page: dict[int, Element], shown: str) -> None:
    """Raise Refused where the action names an element that the page as shown (perhaps cut) does not have."""
    number = element_id(action)
    if number is not None and (number not in page or page[number].line not in shown):
        raise Refused("not_on_page", action)
