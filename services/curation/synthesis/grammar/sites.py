"""An invented web site: its name, menu, things with their facts, buttons and form.

Invariant: a site depends on its generator alone, and no two of its things share a name.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from services.curation.synthesis.grammar.drawing import fill, table

_SEARCHES = ("Search", "Search this site", "What are you looking for?", "Search {}", "Find in {}")
_FINDS = ("Search", "Find", "Go")
_SUBMITS = ("Send", "Submit", "Continue", "Confirm")
_ENDINGS = ("example", "test")


@dataclass(frozen=True)
class Thing:
    """What the site has many of."""

    name: str
    facts: dict[str, str]


@dataclass(frozen=True)
class Site:
    """One site of one kind."""

    kind: str
    name: str
    host: str
    section: str
    menu: tuple[str, ...]
    search_box: str
    search_button: str
    things: tuple[Thing, ...]
    buttons: tuple[str, ...]
    form: str
    # What the objective fills in, by label.
    fields: dict[str, str]
    submit: str


def kinds() -> list[str]:
    """Every kind of site."""
    return list(table("kinds"))


def draw(rng: random.Random, kind: str) -> Site:
    """A site of that kind."""
    known = table("kinds")[kind]
    name = fill(rng, rng.choice(known["site"]))
    menu = [known["section"], *rng.sample(known["nav"], rng.randrange(2, len(known["nav"]) + 1))]
    rng.shuffle(menu)
    menu.insert(rng.randrange(len(menu) + 1), known["form"])
    things: dict[str, Thing] = {}
    while len(things) < 6:
        title = fill(rng, rng.choice(known["thing"]))
        title = title[0].upper() + title[1:]
        things.setdefault(title, Thing(title, {label: fill(rng, value) for label, value in known["facts"].items()}))
    return Site(
        kind=kind,
        name=name,
        host=f"{slug(name)}.{rng.choice(_ENDINGS)}",
        section=known["section"],
        menu=tuple(menu),
        search_box=rng.choice(_SEARCHES).format(name),
        search_button=rng.choice(_FINDS),
        things=tuple(things.values()),
        buttons=tuple(known["do"]),
        form=known["form"],
        fields={label: fill(rng, value) for label, value in known["fields"].items()},
        submit=rng.choice(_SUBMITS),
    )


def slug(text: str) -> str:
    """A name as an address writes it."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
