"""Made-up demonstrations on made-up pages, to try the recipe without a browser or an environment.

A small catalogue: people, things and their facts, on pages of links, fields, facts and rows. Every world has
names of its own. Deterministic in (world, count).
"""

from __future__ import annotations

import random
from typing import NamedTuple

from services.training.pretraining.demonstrations import Demonstration

_ONSETS = (*"bdfgklmnprstvz", "br", "dr", "fl", "kr", "pl", "st", "tr")
_VOWELS = "aeiou"
_CODAS = ["", "", "", "n", "r", "l", "s", "th", "nd"]
_THINGS = ("Kettle", "Lamp", "Chair", "Scarf", "Clock", "Basket", "Mirror", "Tent", "Bottle", "Camera", "Drum", "Rug")
_COLOURS = ("Blue", "Red", "Green", "Black", "White", "Small", "Large", "Old")
_HEADER = ("Home", "Catalogue", "Orders", "Wish list", "Messages", "Account", "Sign out")
_FACTS = ("Price", "Maker", "Stock", "Weight", "Rating", "Shelf number")
_FIELDS = ("City", "Street", "Phone", "Nickname", "Note", "Company")


class _Thing(NamedTuple):
    name: str
    facts: dict[str, str]


class World:
    """Names and things of one made-up world."""

    def __init__(self, number: int) -> None:
        self.name = f"synthetic/{number}"
        self.rng = random.Random(f"synthetic {number}")
        self.things = [self._thing() for _ in range(24)]

    def word(self) -> str:
        """An invented word."""
        syllables = [self.rng.choice(_ONSETS) + self.rng.choice(_VOWELS) for _ in range(self.rng.randint(2, 3))]
        return ("".join(syllables) + self.rng.choice(_CODAS)).capitalize()

    def _thing(self) -> _Thing:
        rng = self.rng
        name = f"{self.word()} {rng.choice(_COLOURS)} {rng.choice(_THINGS)}"
        facts = {
            "Price": f"${rng.randrange(3, 400)}.{rng.randrange(100):02d}",
            "Maker": self.word(),
            "Stock": str(rng.randrange(400)),
            "Weight": f"{rng.randrange(1, 90)} kg",
            "Rating": f"{rng.randrange(1, 5)}.{rng.randrange(10)} of 5",
            "Shelf number": f"{rng.choice('ABCDEF')}{rng.randrange(100)}",
        }
        return _Thing(name, facts)


class _Writer:
    """Writes a page line by line, giving out ids from a random start."""

    def __init__(self, rng: random.Random) -> None:
        self._next = rng.randrange(1000)
        self.lines: list[str] = []
        self.ids: dict[str, int] = {}

    def element(self, role: str, name: str, value: str = "") -> None:
        number = self._next % 1000
        self._next += 1
        self.lines.append(f"[{number}] {role} '{name}'" + (f": '{value}'" if value else ""))
        self.ids.setdefault(name, number)

    def text(self, role: str, text: str) -> None:
        self.lines.append(f"{role} '{text}'")


def _header(writer: _Writer) -> None:
    for name in _HEADER:
        writer.element("link", name)
    writer.element("searchbox", "Search")
    writer.element("button", "Find")


def _catalogue(world: World, things: list[_Thing]) -> _Writer:
    writer = _Writer(world.rng)
    _header(writer)
    writer.text("heading", "Catalogue")
    for thing in things:
        writer.element("link", thing.name)
        if world.rng.random() < 0.5:
            writer.text("text", f"Price: {thing.facts['Price']}")
        if world.rng.random() < 0.3:
            writer.element("button", f"Add {thing.name} to cart")
    return writer


def _thing_page(world: World, thing: _Thing) -> _Writer:
    writer = _Writer(world.rng)
    _header(writer)
    writer.text("heading", thing.name)
    for label in world.rng.sample(_FACTS, len(_FACTS)):
        writer.text("text", f"{label}: {thing.facts[label]}")
    for name in world.rng.sample(("Add to cart", "Add to wish list", "Write a review", "Share"), 3):
        writer.element("button", name)
    for _ in range(world.rng.randint(0, 4)):
        writer.text("text", f"{world.word()} {world.word()} says the {thing.name.split()[-1]} is fine")
    return writer


def _form(world: World) -> _Writer:
    writer = _Writer(world.rng)
    _header(writer)
    writer.text("heading", "Edit account")
    for field in world.rng.sample(_FIELDS, len(_FIELDS)):
        writer.element("textbox", field, world.word() if world.rng.random() < 0.6 else "")
    writer.element("button", "Save changes")
    return writer


def demonstrations(number: int, count: int) -> list[Demonstration]:
    """`count` episodes (two or three steps each) in the world of that number."""
    world = World(number)
    steps: list[Demonstration] = []
    for task in range(count):
        steps += _episode(world, task)
    return steps


def _episode(world: World, task: int) -> list[Demonstration]:
    if world.rng.random() < 0.3:
        return _edit(world, task)
    things = world.rng.sample(world.things, world.rng.randint(4, 10))
    thing = world.rng.choice(things)
    label = world.rng.choice(_FACTS)
    objective = f"What is the {label.lower()} of the {thing.name}?"
    listing, page = _catalogue(world, things), _thing_page(world, thing)
    number = listing.ids[thing.name]
    answer = thing.facts[label]
    return [
        _step(world, task, 0, listing, "/catalogue", objective, "none", "click",
              f"{thing.name} [{number}]\nACTION: click [{number}]"),
        _step(world, task, 1, page, "/thing", objective, f"click link '{thing.name}'", "stop",
              f"{label}: {answer}\nACTION: stop [{answer}]"),
    ]  # fmt: skip


def _edit(world: World, task: int) -> list[Demonstration]:
    field, value = world.rng.choice(_FIELDS), world.word()
    objective = f'Change my {field.lower()} to "{value}".'
    before, after = _form(world), _form(world)
    box, save = before.ids[field], after.ids["Save changes"]
    return [
        _step(world, task, 0, before, "/account", objective, "none", "type",
              f"{field} [{box}]\nACTION: type [{box}] [{value}] [0]"),
        _step(world, task, 1, after, "/account", objective, f"type textbox '{field}' [{value}] [0]", "click",
              f"Save changes [{save}]\nACTION: click [{save}]"),
    ]  # fmt: skip


def _step(
    world: World,
    task: int,
    step: int,
    page: _Writer,
    path: str,
    objective: str,
    previous: str,
    kind: str,
    response: str,
) -> Demonstration:
    url = f"http://catalogue.test{path}"
    return Demonstration(world.name, task, step, "\n".join(page.lines), url, objective, previous, kind, response)
