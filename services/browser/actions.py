"""The action grammar, WebArena's and a little more: text to Action and back.

Invariant: `parse(str(action)) == action`; whatever is not exactly one action of the grammar is refused with a
sentence that the model could be told. A text runs from its opening bracket to the last one of the action, so it may
hold brackets itself; only `type` looks for one more argument behind it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

MAX_ACTION_CHARS = 8_000
# Each verb as the model is told of it.
_USAGE = {
    "click": "click [id]",
    "type": "type [id] [text] [0|1]",
    "select": "select [id] [option]",
    "upload": "upload [id] [file name]",
    "drag": "drag [id] [id]",
    "hover": "hover [id]",
    "press": "press [key_comb]",
    "scroll": "scroll [up|down]",
    "dialog": "dialog [accept|dismiss]",
    "new_tab": "new_tab",
    "tab_focus": "tab_focus [index]",
    "close_tab": "close_tab",
    "goto": "goto [url]",
    "go_back": "go_back",
    "go_forward": "go_forward",
    "stop": "stop [answer]",
}
VERBS = tuple(_USAGE)
_VERB = re.compile(r"([a-z_]+)(.*)", re.DOTALL)
_NUMBER = re.compile(r"\[\s*(\d{1,9})\s*\]")
_NUMBERS = re.compile(r"\[\s*(\d{1,9})\s*\]\s*\[\s*(\d{1,9})\s*\]")
_NUMBER_AND_TEXT = re.compile(r"\[\s*(\d{1,9})\s*\]\s*\[(.*)\]", re.DOTALL)
_ENTER = re.compile(r"(.*)\]\s*\[\s*([01])\s*", re.DOTALL)
_SCROLL = re.compile(r"\[\s*(up|down)\s*\]|(up|down)")
_DIALOG = re.compile(r"\[\s*(?:(dismiss)|(accept))\s*\](?(2)(?:\s*\[(.*)\])?)", re.DOTALL)
_TEXT = re.compile(r"\[(.*)\]", re.DOTALL)
_BETWEEN = re.compile(r"\]\s*\[")


class NotAnAction(ValueError):
    """The text is not an action; the message says what is wrong with it."""


@dataclass(frozen=True)
class Action:
    """One parsed action; which fields count depends on the verb."""

    verb: str
    # Element of click, type, select, upload, drag and hover; tab of tab_focus.
    target: int | None = None
    # Text of type, option of select, file of upload, keys of press, direction of scroll, accept or dismiss of dialog,
    # URL of goto, answer of stop.
    text: str = ""
    # Whether type ends with the Enter key.
    enter: bool = True
    # Element that drag ends on.
    onto: int | None = None
    # What is entered into a prompt before it is accepted; None leaves what is there.
    answer: str | None = None

    def __str__(self) -> str:
        if self.verb == "type":
            return f"type [{self.target}] [{self.text}] [{int(self.enter)}]"
        if self.verb in ("select", "upload"):
            return f"{self.verb} [{self.target}] [{self.text}]"
        if self.verb == "drag":
            return f"drag [{self.target}] [{self.onto}]"
        if self.verb == "dialog" and self.answer is not None:
            return f"dialog [{self.text}] [{self.answer}]"
        if self.target is not None:
            return f"{self.verb} [{self.target}]"
        if self.verb in ("press", "scroll", "goto", "stop", "dialog"):
            return f"{self.verb} [{self.text}]"
        return self.verb


def parse(text: str) -> Action:
    """The action that the text is. Raises NotAnAction."""
    text = text.strip()
    if len(text) > MAX_ACTION_CHARS:
        raise NotAnAction(f"the action has {len(text)} characters; at most {MAX_ACTION_CHARS} are taken")
    match = _VERB.fullmatch(text)
    if match is None or match[1] not in VERBS:
        shown = text if len(text) <= 80 else text[:79] + "…"
        raise NotAnAction(f"{shown!r} is not an action; use one of: {', '.join(_USAGE.values())}")
    verb, rest = match[1], match[2].strip()
    action = _arguments(verb, rest)
    if action is None:
        raise NotAnAction(f"{verb} takes another form: {_USAGE[verb]}")
    return action


def several(text: str, known: Collection[str]) -> list[str]:
    """What the text of a select or an upload names: itself where it is known, else each of `one] [two] [three`."""
    return [text] if text in known else [part.strip() for part in _BETWEEN.split(text)]


def _arguments(verb: str, rest: str) -> Action | None:
    if verb in ("click", "hover", "tab_focus"):
        number = _NUMBER.fullmatch(rest)
        return Action(verb, target=int(number[1])) if number else None
    if verb == "type":
        return _type(rest)
    if verb in ("select", "upload"):
        named = _NUMBER_AND_TEXT.fullmatch(rest)
        if named is None or (verb == "upload" and not named[2].strip()):
            return None
        return Action(verb, target=int(named[1]), text=named[2].strip())
    if verb == "drag":
        numbers = _NUMBERS.fullmatch(rest)
        return Action(verb, target=int(numbers[1]), onto=int(numbers[2])) if numbers else None
    if verb == "dialog":
        said = _DIALOG.fullmatch(rest)
        return Action(verb, text=said[1] or said[2], answer=said[3]) if said else None
    if verb == "scroll":
        direction = _SCROLL.fullmatch(rest)
        return Action(verb, text=direction[1] or direction[2]) if direction else None
    return _text(verb, rest)


def _text(verb: str, rest: str) -> Action | None:
    if verb in ("press", "goto", "stop"):
        inside = _TEXT.fullmatch(rest)
        if verb == "stop" and not rest:
            return Action(verb)
        if inside is None or (verb != "stop" and not inside[1].strip()):
            return None
        return Action(verb, text=inside[1].strip())
    return Action(verb) if rest in ("", "[]") else None


def _type(rest: str) -> Action | None:
    match = _NUMBER_AND_TEXT.fullmatch(rest)
    if match is None:
        return None
    flagged = _ENTER.fullmatch(match[2])
    if flagged is not None:
        return Action("type", target=int(match[1]), text=flagged[1], enter=flagged[2] == "1")
    return Action("type", target=int(match[1]), text=match[2])
