"""What an agent sees at a step, and what a prompt format is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple


class View(NamedTuple):
    """The agent's side of one step."""

    observation: str
    # Display URL of the page in front.
    url: str
    intent: str
    # The last action in canonical form, "" at the first step.
    previous: str
    # (role, name) of the element that the last action named; ("", "") when it named none.
    previous_element: tuple[str, str] = ("", "")


class Thought(NamedTuple):
    """Why an expert does what it does: the element that it names, or the text that it answers from."""

    text: str
    action: str


class Part(NamedTuple):
    """A stretch of a prompt: the fields of serving's PromptPart."""

    # "system", "user" or "assistant".
    role: str
    text: str
    # Keep only the first so many tokens; 0 keeps all.
    max_tokens: int = 0


class PromptFormat(NamedTuple):
    """A named way of asking."""

    name: str
    # (view, tokens that the observation may take) -> the prompt's parts.
    build: Callable[[View, int], list[Part]]
    # Response -> the action's text, or None when there is none in it.
    extract: Callable[[str], str | None]
    # An expert's move written as a model would answer it.
    phrase: Callable[[Thought], str]
    # Response -> the name that it gives to the element that it acts on, "" where the format has none.
    claimed: Callable[[str], str]
    observation_format: str
    max_observation_tokens: int
    max_new_tokens: int
    # Tokens of the context that everything but the observation and the response may take.
    reserved_tokens: int
    stop: tuple[str, ...] = ()
    # Regular expression of a whole response that ends in an action.
    regex: str = ""


_ELEMENT = re.compile(r"^(?:click|type|select|upload|drag|hover) \[(\d+)\]")


def element_id(action: str) -> int | None:
    """Id of the element that an action names, if any."""
    match = _ELEMENT.match(action)
    return int(match[1]) if match else None


def stop_answer(action: str) -> str | None:
    """The answer in `stop [answer]`; None for every other action."""
    match = re.fullmatch(r"stop(?:\s*\[(.*)\])?", action.strip(), flags=re.DOTALL)
    return None if match is None else (match[1] or "").strip()


def with_name(action: str, elements: Mapping[int, tuple[str, str]]) -> tuple[str, str]:
    """(role, name) of the element that an action names, as the observation showed it."""
    number = element_id(action)
    return elements.get(number, ("", "")) if number is not None else ("", "")
