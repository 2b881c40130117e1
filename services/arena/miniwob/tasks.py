"""MiniWoB++ pages as tasks in WebArena's format.

Invariant: a task's id names its page and its instance, and world seed and instance give the page's seed, so the same
suite, world seed and id always mean the same problem. Instances of "train" and of the held-out splits are disjoint.

A task is solved when the page's own raw reward (without the time penalty) is above 0, as MiniWoB++ counts it: partial
rewards count in full, negative ones and unfinished episodes are failures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.arena.errors import BadInput, UnknownResource
from services.arena.miniwob.catalog import HELD_OUT_FAMILIES, NEEDS
from services.arena.miniwob.package import Package
from services.arena.world import seeded

PLACEHOLDER, DISPLAY_URL = "__MINIWOB__", "http://miniwob.test"
SEEDS_PER_WORLD, FIRST_HELD_OUT = 1000, 500
# Instances of each page where a split is asked for without a count.
DEFAULT_ROUNDS = 4


@dataclass(frozen=True)
class Split:
    """A named kind of suite: which pages, and the first of their instances."""

    name: str
    held_out: bool | None
    first: int
    left_out: bool = False

    def has(self, page: str) -> bool:
        """Whether the page belongs to the split."""
        if self.left_out or page in NEEDS:
            return self.left_out and page in NEEDS
        return (family(page) in HELD_OUT_FAMILIES) == self.held_out


SPLITS: dict[str, Split] = {
    split.name: split
    for split in (
        Split("train", held_out=False, first=0),
        Split("heldout-instances", held_out=False, first=FIRST_HELD_OUT),
        Split("heldout-templates", held_out=True, first=FIRST_HELD_OUT),
        Split("left-out", held_out=None, first=0, left_out=True),
    )
}


def family(page: str) -> str:
    """What variants of a page have in common: "click-tab" of "click-tab-2-hard"."""
    if page == "multi-orderings":
        return "multi-layouts"  # the same search form
    return "-".join(page.split("-")[:2])


def split_named(name: str) -> Split:
    """The split of that name. Raises UnknownResource naming the known ones."""
    if name not in SPLITS:
        raise UnknownResource(f"unknown split {name!r} of miniwob", f"use one of {', '.join(SPLITS)}")
    return SPLITS[name]


@dataclass(frozen=True)
class Task:
    """One seeded instance of one page."""

    page: str
    instance: int
    world_seed: int

    @property
    def id(self) -> str:
        return f"{self.page}-{self.instance}"

    @property
    def seed(self) -> int:
        """What the page's random numbers start from."""
        return self.world_seed * SEEDS_PER_WORLD + self.instance

    @property
    def path(self) -> str:
        """Address of the episode below the pages' origin; held-out instances use the pages' own test mode."""
        mode = "&mode=test" if self.instance >= FIRST_HELD_OUT else ""
        return f"/{self.page}.html?seed={self.seed}{mode}"

    def webarena(self) -> dict[str, Any]:
        """The task as WebArena writes it. The page makes the real intent: see the rollout room's environment."""
        return {
            "sites": ["miniwob"],
            "task_id": self.id,
            "require_login": False,
            "storage_state": None,
            "start_url": PLACEHOLDER + self.path,
            "geolocation": None,
            "intent_template": "Do what the page {{page}} asks for.",
            "instantiation_dict": {"page": self.page, "seed": self.seed, "needs": NEEDS.get(self.page, "")},
            "intent": f"Do what the page {self.page} asks for.",
            "require_reset": False,
            "eval": {
                "eval_types": ["program_html"],
                "reference_answers": None,
                "reference_url": "",
                "program_html": [
                    {"url": "last", "locator": self._outcome(), "required_contents": {"exact_match": "solved"}}
                ],
            },
            "intent_template_id": family(self.page),
        }

    def _outcome(self) -> str:
        # Another page, or the same one with another seed, is another task.
        return (
            f"location.pathname + location.search !== {json.dumps(self.path)} ? 'not on the page of the task' : "
            "WOB_DONE_GLOBAL && WOB_RAW_REWARD_GLOBAL > 0 ? 'solved' : WOB_DONE_GLOBAL ? "
            "`raw reward ${WOB_RAW_REWARD_GLOBAL}` : 'not finished'"
        )


def tasks(package: Package, split: Split, world_seed: int, count: int = 0) -> list[Task]:
    """`count` tasks (0: DEFAULT_ROUNDS of each page), spread evenly over the pages.

    Every page comes once before any comes twice, in an order of the world seed's own; a smaller count gives a prefix
    of a larger one's tasks. Raises BadInput where the split has fewer.
    """
    pages = [page for page in package.pages if split.has(page)]
    most = len(pages) * FIRST_HELD_OUT
    if count > most:
        raise BadInput(f"count is {count}", f"{split.name} of miniwob has {most} tasks in a world")
    drawn = _in_order(pages, split, world_seed)
    return [task for task, _ in zip(drawn, range(count or len(pages) * DEFAULT_ROUNDS), strict=False)]


def _in_order(pages: list[str], split: Split, world_seed: int) -> Iterator[Task]:
    for round_ in range(FIRST_HELD_OUT):
        rng = seeded("miniwob", split.name, world_seed, round_)
        yield from (Task(page, split.first + round_, world_seed) for page in rng.sample(pages, len(pages)))


def find(package: Package, split: Split, world_seed: int, task_id: str) -> Task:
    """One task by its id. Raises UnknownResource."""
    page, _, number = task_id.rpartition("-")
    instance = int(number) if number.isascii() and number.isdigit() else -1
    if page in package.pages and split.has(page) and split.first <= instance < split.first + FIRST_HELD_OUT:
        return Task(page, instance, world_seed)
    raise UnknownResource(
        f"no task {task_id!r} in split {split.name} of miniwob",
        f"list them with `ratchet suites tasks miniwob --split {split.name}`",
    )
