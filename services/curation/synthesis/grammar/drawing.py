"""Words for slots: `{town}` becomes a town.

Invariant: a slot's value depends on the generator alone; no person or town is called as one of the arena's might be.
"""

from __future__ import annotations

import calendar
import functools
import random
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_SLOT = re.compile(r"\{([^{}]+)\}")
_MONTHS = tuple(calendar.month_name[1:])
_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"


@functools.cache
def table(name: str) -> dict[str, Any]:
    """A data table of this package."""
    return tomllib.loads((Path(__file__).parent / f"{name}.toml").read_text(encoding="utf-8"))


def fill(rng: random.Random, template: str, known: Mapping[str, str] | None = None) -> str:
    """The template with every slot filled, from `known` where it has one. Raises KeyError for an unknown slot."""

    def value(match: re.Match[str]) -> str:
        slot = match[1]
        if known and slot in known:
            return known[slot]
        if slot in _MADE:
            return _MADE[slot](rng)
        return str(rng.choice(table("words")[slot]))

    return _SLOT.sub(value, template)


def _person(rng: random.Random) -> str:
    return fill(rng, "{given} {surname}")


_MADE: dict[str, Callable[[random.Random], str]] = {
    "person": _person,
    "email": lambda rng: fill(rng, "{given}.{surname}@mail.example").lower(),
    "date": lambda rng: f"{rng.randrange(1, 29)} {rng.choice(_MONTHS)}",
    "time": lambda rng: f"{rng.randrange(7, 22):02}:{rng.choice((0, 10, 15, 30, 45)):02}",
    "n": lambda rng: str(rng.randrange(2, 9)),
    "n2": lambda rng: str(rng.randrange(11, 99)),
    "n3": lambda rng: str(rng.randrange(101, 420)),
    "n5": lambda rng: str(rng.randrange(10_000, 99_999)),
    "price": lambda rng: f"${rng.randrange(9, 900)}.{rng.randrange(100):02}",
    "year": lambda rng: str(rng.randrange(1780, 2020)),
    "recent": lambda rng: str(rng.randrange(1975, 2026)),
    "phone": lambda rng: f"0{rng.randrange(20, 99)} {rng.randrange(100_000, 999_999)}",
    "code": lambda rng: f"{rng.choice(_LETTERS)}{rng.choice(_LETTERS)}{rng.randrange(1000, 9999)}",
    "letter": lambda rng: rng.choice(_LETTERS),
}
