"""Small questions about a page that any page answers: which id has this name, what follows this label.

They train the skills that every task is made of, many to a page and a few tokens each. Invariant: a dense
question ends in the same words as a demonstration's answer, so nothing has to be unlearnt.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from services.training.pretraining.pages import Line

FIELDS = ("textbox", "searchbox", "combobox", "spinbutton")
_SYLLABLES = re.findall(r"\w+", "ka mi ro ta lu ne so vi da pe gu ha ji zo be fi dra pli ste kro an el or is um")
_TO_PRESS = ('Open "{}".', 'Click "{}".', "Go to {}.", "Press {}.", "Show me {} now.", "I want to see {}.")
_TO_FILL = (
    'Type "{1}" into {0}.',
    "Set {0} to {1}.",
    'Change {0} to "{1}".',
    "Put {1} in the {0} field.",
    "I moved on; the {0} is now {1}.",
)
_TO_SEARCH = ("Find {1}.", "What is the number of {1}?", 'Look up "{1}" here.', "Tell me about {1} and its maker.")
_FIRST = re.compile(r"\S+")


class Query(NamedTuple):
    """What follows the page: `given` is the prompt, `answer` is what is learnt."""

    given: str
    answer: str
    # Name of the skill, under which accuracy is reported.
    skill: str


def look_up(rng: random.Random, line: Line) -> Query:
    """A name, or its first word, is given: the rest of it, the id and the action follow."""
    verb = "type" if line.role in FIELDS else "click"
    tail = f" [{line.id}]\nACTION: {verb} [{line.id}]"
    first = _FIRST.match(line.name)
    if first and rng.random() < 0.4:
        return Query(f"\nNEXT:\n{first[0]}", line.name[first.end() :] + tail, "look")
    return Query(f"\nNEXT:\n{line.name}", tail, "look")


def read_fact(rng: random.Random, label: str, value: str) -> Query:
    """A label is given: the value and the answer follow."""
    if rng.random() < 0.5:
        return Query(f"\nNEXT:\n{label}: ", f"{value}\nACTION: stop [{value}]", "read")
    asked = rng.choice((f"What is the {label.lower()}?", f"Tell me the {label.lower()} shown here.", f"{label}?"))
    return Query(_question(asked), f"{label}: {value}\nACTION: stop [{value}]", "read")


def press_named(rng: random.Random, line: Line) -> Query:
    """An objective names the element to click."""
    said = rng.choice(_TO_PRESS).format(line.name)
    return Query(_question(said), f"{line.name} [{line.id}]\nACTION: click [{line.id}]", "press")


def fill_named(rng: random.Random, line: Line) -> Query:
    """An objective gives a text for a named field."""
    value = invented(rng)
    said = rng.choice(_TO_FILL + _TO_SEARCH if line.role == "searchbox" else _TO_FILL)
    enter = 1 if line.role == "searchbox" else 0
    return Query(
        _question(said.format(line.name, value)),
        f"{line.name} [{line.id}]\nACTION: type [{line.id}] [{value}] [{enter}]",
        "fill",
    )


def invented(rng: random.Random) -> str:
    """A text that no page holds: an invented name, some words, a number, an amount or an address."""
    word = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4)))
    form = rng.randrange(6)
    if form == 0:
        return str(rng.randrange(1, 10 ** rng.randint(1, 4)))
    if form == 1:
        return f"{rng.randrange(1, 400)}.{rng.randrange(100):02d}"
    if form == 2:
        return f"{word}@{rng.choice(_SYLLABLES)}{rng.choice(_SYLLABLES)}.test"
    if form == 3:
        return word
    second = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(1, 3)))
    return f"{word} {second}".title() if form == 4 else f"{word.capitalize()} {second} {rng.randrange(1, 60)}"


def draw(rng: random.Random, lines: list[Line], count: int, *, instructed: bool) -> list[Query]:
    """Up to `count` questions on the page's lines; with `instructed`, half of them are whole objectives."""
    elements = [line for line in lines if line.id is not None and 0 < len(line.name) <= 60]
    facts = [fact for line in lines if (fact := line.fact) is not None]
    drawn = []
    for _ in range(count):
        if facts and (not elements or rng.random() < 0.35):
            drawn.append(read_fact(rng, *rng.choice(facts)))
        elif elements:
            line = rng.choice(elements)
            if not instructed or rng.random() < 0.5:
                drawn.append(look_up(rng, line))
            else:
                drawn.append(fill_named(rng, line) if line.role in FIELDS else press_named(rng, line))
    return drawn


def _question(objective: str) -> str:
    return f"\nURL: http://page.test/\nOBJECTIVE: {objective}\nPREVIOUS: none\nNEXT:\n"
