"""What synthesis is about: objectives, finished examples, what a check refused, and who writes.

Invariant: everything drawn depends on the request's seeds and the example's number, never on time or order of arrival.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")
FIRST, MIDDLE, LAST = "first", "middle", "last"


class Refused(Exception):
    """What was written does not hold: `check` is the rule's name, for counting."""

    def __init__(self, check: str, detail: str = "") -> None:
        super().__init__(check, detail)
        self.check, self.detail = check, detail


@dataclass(frozen=True)
class Objective:
    """A new objective on a web site that no task is on."""

    text: str
    # The site: its domain, or its name.
    site: str
    # Which attempt at it was kept, from 0.
    attempt: int


@dataclass(frozen=True)
class Example:
    """A finished row."""

    # As the model saw it, chat template applied.
    prompt: str
    response: str
    # Index of the step in its plan, and where in the plan that is.
    step: int
    position: str
    action: str
    # What the plan has there; empty where a plan is only words.
    planned: str


class Writer(Protocol):
    """Writes objectives and examples, each a pure function of its number, its attempt and the model's answers."""

    name: str
    # A sentence for the card: what of an example the model wrote.
    about: str

    async def objective(self, number: int, attempt: int, shots: Sequence[str]) -> Objective:
        """A candidate after the example objectives. Raises Refused, and what serving raises."""

    async def example(self, number: int, objective: Objective, refused: Counter[str]) -> Example:
        """The example for an accepted objective, counting what was refused on the way. Raises Refused at last."""


def seed_of(*parts: object) -> int:
    """A number below 2**63 that depends on the parts alone."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def draws(*parts: object) -> random.Random:
    """A generator of its own for these parts."""
    return random.Random(seed_of(*parts))


def draw_step(rng: random.Random, num_steps: int) -> tuple[int, str]:
    """One step of a plan: first, any middle and last as 1 : 2 : 1; where there is no middle, first and last alike."""
    middle = [MIDDLE, MIDDLE] if num_steps > 2 else []
    position = rng.choice([FIRST, *middle, LAST])
    if position == MIDDLE:
        return rng.randrange(1, num_steps - 1), MIDDLE
    return (0, FIRST) if position == FIRST else (num_steps - 1, LAST)


async def retried(attempts: int, refused: Counter[str], write: Callable[[int], Awaitable[T]]) -> T:
    """The first of up to so many attempts that holds; each refusal is counted. Raises the last one's Refused."""
    for attempt in range(attempts):
        try:
            return await write(attempt)
        except Refused as error:
            refused[error.check] += 1
            if attempt == attempts - 1:
                raise
    raise ValueError("attempts must be at least 1")
