"""What a model that can invent is asked, step by step, and how its answers are read.

Invariant: a reader returns what its check names as sound, or raises Refused; no text of an answer is trusted further.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from services.common.prompts import Part
from services.curation.synthesis import checks
from services.curation.synthesis.examples import Refused

VERBS = ("click", "scroll", "type", "stop")
MAX_OBJECTIVE_CHARS = 500
_MOST_STEPS = 15
_WEBSITE = re.compile(r"^WEBSITE:\s*(\S+)\s*$", re.MULTILINE)
_OBJECTIVE = re.compile(r"^OBJECTIVE:\s*(.+?)\s*$", re.MULTILINE)
_STEP = re.compile(r"^\s*\d+[.)]\s*\W*(\w+)\W*:?\s*(.*)$", re.MULTILINE)
_URL = re.compile(r"https?://[^\s<>\"'`]+")
_PARTS = re.compile(r"PAGE:\s*\n(.*?)\nPREVIOUS ACTION:\s*(.*?)\nNEXT ACTION:\s*\n(.*)", re.DOTALL)
_PREVIOUS = re.compile(r"(.+?)(?: where the element is (\w+) '(.*)')?", re.DOTALL)
_FENCE = re.compile(r"\A```\w*\n(.*?)\n?```\Z", re.DOTALL)

_SYSTEM = (
    "You write realistic training material for an agent that works in a web browser by single actions: "
    "click [id], type [id] [text] [0|1], scroll [up|down] and stop [answer]. Follow the given form exactly and write "
    "nothing else."
)
_NEW_OBJECTIVE = """These are objectives that people gave to the agent:

{shots}

Invent one new objective on a completely different website, of another kind, that is about something else. It must be \
specific, with names or numbers where a person would give them, and possible to reach. Form:
WEBSITE: the domain of the website
OBJECTIVE: the objective, in one line"""
_PLAN = """WEBSITE: {site}
OBJECTIVE: {objective}

Write the steps in which the agent reaches the objective, one action each, from the first page on. Each line is the \
number, one of click, scroll, type or stop, a colon and what is acted on and why. The last step is stop, and only the \
last. Form:
1. click: ...
2. stop: ..."""
_ADDRESS = """WEBSITE: {site}
OBJECTIVE: {objective}
STEPS:
{plan}

Write the full address, beginning with http, of the page that the agent sees right before step {step}. One line."""
_DRAFT = """Now the same for this:
URL: {url}
OBJECTIVE: {objective}
STEPS:
{plan}

The agent is about to take step {step}. Write the page that it sees, its previous action and its next action, in \
exactly the form of the examples. The next action is step {step}, and its id is on the page."""
_AGAIN = """URL: {url}
OBJECTIVE: {objective}
PREVIOUS ACTION: {previous}
NEXT ACTION: {action}

This is a draft of the page in between:
{page}

Write the whole page again, complete and realistic, with everything that such a page of this website would have, and \
with what the actions need. Every element stands on a line of its own as [id] role 'name', ids are numbers and differ. \
Write only the page."""

_REACHED = """An agent began at {url} and did this:
{actions}

It was meant to do something else. Its last page was {last}:
"""
_REACHED_BY_THAT = """

Write the objective that these actions, all of them and no others, reach completely, and to which the text in the last \
stop is the right answer. Take names and numbers from the actions and the page. Form:
OBJECTIVE: the objective, in one line"""


class Shot(NamedTuple):
    """A kept step of the policy's own."""

    url: str
    objective: str
    page: str
    # As the agent's prompt tells it; "None" at the first step.
    previous: str
    response: str


class Draft(NamedTuple):
    """A step as it was first written."""

    page: str
    previous: str
    previous_element: tuple[str, str]
    response: str


def new_objective(shots: Sequence[str]) -> list[Part]:
    """For an objective after these."""
    return _asked(_NEW_OBJECTIVE.format(shots="\n".join(f"- {shot}" for shot in shots)))


def plan(site: str, objective: str) -> list[Part]:
    """For the steps to an objective."""
    return _asked(_PLAN.format(site=site, objective=objective))


def address(site: str, objective: str, steps: str, step: int) -> list[Part]:
    """For the URL before a step (from 1)."""
    return _asked(_ADDRESS.format(site=site, objective=objective, plan=steps, step=step))


def draft(shots: Sequence[Shot], url: str, objective: str, steps: str, step: int, page_tokens: int) -> list[Part]:
    """For page, previous action and next action, after examples whose pages are cut."""
    parts = [Part("system", _SYSTEM)]
    for shot in shots:
        parts += [
            Part("user", f"Example\nURL: {shot.url}\nOBJECTIVE: {shot.objective}\nPAGE:\n"),
            Part("user", shot.page, page_tokens),
            Part("user", f"\nPREVIOUS ACTION: {shot.previous}\nNEXT ACTION:\n{shot.response}\n\n"),
        ]
    return [*parts, Part("user", _DRAFT.format(url=url, objective=objective, plan=steps, step=step))]


def page_again(url: str, objective: str, found: Draft, action: str) -> list[Part]:
    """For the page, given the actions before and after it."""
    asked = _AGAIN.format(
        url=url, objective=objective, previous=found.previous or "None", action=action, page=found.page
    )
    return _asked(asked)


def reached(url: str, actions: Sequence[str], last: str, page: str, page_tokens: int) -> list[Part]:
    """For what an attempt was good for: its first address, its actions in words, its last address and page, cut."""
    numbered = "\n".join(f"{number}. {action}" for number, action in enumerate(actions, 1))
    return [
        *_asked(_REACHED.format(url=url, actions=numbered, last=last)),
        Part("user", page, page_tokens),
        Part("user", _REACHED_BY_THAT),
    ]


def read_objective(answer: str) -> tuple[str, str]:
    """(site, objective)."""
    site, objective = _WEBSITE.findall(answer), read_reached(answer)
    if len(site) != 1:
        raise Refused("objective_format", answer)
    host = urlsplit(site[0] if "//" in site[0] else f"//{site[0]}").hostname or ""
    if "." not in host:
        raise Refused("objective_format", f"{site[0]!r} is no domain")
    return host.removeprefix("www."), objective


def read_reached(answer: str) -> str:
    """The objective."""
    objective: list[str] = _OBJECTIVE.findall(answer)
    if len(objective) != 1 or len(objective[0]) > MAX_OBJECTIVE_CHARS:
        raise Refused("objective_format", answer)
    return objective[0]


def read_plan(answer: str) -> list[tuple[str, str]]:
    """(verb, what for) by step; only the last is stop."""
    steps = [(verb.lower(), text.strip()) for verb, text in _STEP.findall(answer)]
    verbs = [verb for verb, _ in steps]
    sound = 2 <= len(steps) <= _MOST_STEPS and set(verbs) <= set(VERBS) and "stop" not in verbs[:-1]
    if not sound or verbs[-1] != "stop":
        raise Refused("plan_format", answer)
    return steps


def read_address(answer: str, site: str) -> str:
    """A URL on the site."""
    found = _URL.findall(answer)
    host = (urlsplit(found[0]).hostname or "").removeprefix("www.") if len(found) == 1 else ""
    if host != site and not host.endswith(f".{site}"):
        raise Refused("address", answer)
    return str(found[0])


def read_draft(answer: str, *, is_first: bool) -> Draft:
    """Page, previous action and response; the previous action is None at the first step and nowhere else."""
    match = _PARTS.search(answer)
    if match is None:
        raise Refused("draft_format", answer)
    page, before, response = (part.strip() for part in match.groups())
    previous = _PREVIOUS.fullmatch(before.strip("` "))
    said, role, name = previous.groups() if previous else ("", None, None)
    said = said.strip("` ")
    if (said.lower() in ("", "none")) != is_first:
        raise Refused("previous_action", before)
    if is_first:
        return Draft(page, "", ("", ""), response)
    checks.check_form(said)
    return Draft(page, said, (role or "", name or ""), response)


def read_page(answer: str) -> str:
    """A page in the tree's form."""
    text = answer.strip()
    fenced = _FENCE.match(text)
    page = fenced[1] if fenced else text
    if len(checks.elements(page)) < 3:
        raise Refused("page_format", answer)
    return page


def _asked(text: str) -> list[Part]:
    return [Part("system", _SYSTEM), Part("user", text)]
