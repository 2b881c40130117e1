"""An objective on an invented site, with the steps that would reach it and the page at each.

Invariant: each planned action acts on its own step's page, and the previous action of a step is the planned one before.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from services.curation.synthesis.grammar import pages, sites
from services.curation.synthesis.grammar.drawing import fill, table
from services.curation.synthesis.grammar.sites import Site, Thing, slug

Draw = Callable[[pages.Page, Site, random.Random], None]


@dataclass(frozen=True)
class Move:
    """One planned step: where, on what page, which action. `target` is the element's name, "" for stop."""

    path: str
    draw: Draw
    verb: str
    role: str = ""
    target: str = ""
    # What is typed, or answered.
    text: str = ""
    enter: bool = False

    def action(self, ids: dict[str, int]) -> str:
        """The action on a page with these ids."""
        if self.verb == "stop":
            return f"stop [{self.text}]"
        element = f"{self.verb} [{ids[self.target]}]"
        return f"{element} [{self.text}] [{int(self.enter)}]" if self.verb == "type" else element


@dataclass(frozen=True)
class Scenario:
    """A site, an objective on it, and the plan."""

    site: Site
    objective: str
    moves: tuple[Move, ...]


def draw(rng: random.Random) -> Scenario:
    """A scenario of any kind."""
    kind = rng.choice(sites.kinds())
    known, site = table("kinds")[kind], sites.draw(rng, kind)
    thing = rng.choice(site.things)
    asked = [*(("ask", label) for label in known["ask"]), *(("do", button) for button in known["do"]), ("fill", "")]
    what, which = rng.choice(asked)
    if what == "fill":
        return Scenario(site, fill(rng, known["fill"], site.fields), _filling(site))
    objective = fill(rng, known[what][which], {"thing": thing.name})
    way = _way_to(site, thing, rng)
    path = f"/{slug(site.section)}/{slug(thing.name)}"
    page: Draw = partial(pages.detail, thing=thing)
    if what == "ask":
        return Scenario(site, objective, (*way, Move(path, page, "stop", text=thing.facts[which])))
    press = Move(path, page, "click", "button", which)
    end = Move(f"{path}/{slug(which)}", partial(pages.done, what=which), "stop", text=which)
    return Scenario(site, objective, (*way, press, end))


def _way_to(site: Site, thing: Thing, rng: random.Random) -> tuple[Move, ...]:
    """From the front page to a thing's page, by the menu or by a search."""
    listed = list(site.things)
    rng.shuffle(listed)
    if rng.random() < 0.5:
        list_path = f"/{slug(site.section)}"
        start = Move("/", pages.home, "click", "link", site.section)
        found: Draw = partial(pages.listing, things=listed, searched="")
    else:
        listed = [thing, *[other for other in listed if other is not thing][: rng.randrange(3)]]
        rng.shuffle(listed)
        list_path = f"/search?q={thing.name.replace(' ', '+')}"
        start = Move("/", pages.home, "type", "searchbox", site.search_box, thing.name, enter=True)
        found = partial(pages.listing, things=listed, searched=thing.name)
    return start, Move(list_path, found, "click", "link", thing.name)


def _filling(site: Site) -> tuple[Move, ...]:
    path, filled = f"/{slug(site.form)}", dict[str, str]()
    moves = [Move("/", pages.home, "click", "link", site.form)]
    for label, value in site.fields.items():
        moves.append(Move(path, partial(pages.form, filled=dict(filled)), "type", "textbox", label, value))
        filled[label] = value
    moves.append(Move(path, partial(pages.form, filled=filled), "click", "button", site.submit))
    moves.append(Move(f"{path}/sent", partial(pages.done, what=site.form), "stop", text=site.form))
    return tuple(moves)
