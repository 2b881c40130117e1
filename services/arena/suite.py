"""Suites: which templates and which worlds make a split, and the tasks drawn from them.

Invariant: splits share no names (their worlds' partitions differ), and held-out templates appear in
"heldout-templates" only. A task id means the same task whatever `count` was asked for.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.arena.errors import BadInput, UnknownResource
from services.arena.names import Partition
from services.arena.sites import TEMPLATES
from services.arena.task import Draft, Task, Template
from services.arena.world import seeded

if TYPE_CHECKING:
    from services.arena.world import World, Worlds

MAX_INSTANCES = 24
IMPOSSIBLE_SHARE = 0.05


@dataclass(frozen=True)
class Split:
    """A named kind of suite."""

    name: str
    partition: Partition
    held_out: bool
    default_seed: int
    default_count: int


SPLITS: dict[str, Split] = {
    split.name: split
    for split in (
        Split("demo", "demo", False, 1, 240),
        Split("train", "train", False, 1, 240),
        Split("heldout-instances", "eval", False, 1, 160),
        Split("heldout-templates", "eval", True, 1, 160),
    )
}


def split_named(name: str) -> Split:
    """The split of that name. Raises UnknownResource naming the known ones."""
    if name not in SPLITS:
        raise UnknownResource(f"unknown split {name!r}", f"use one of {', '.join(SPLITS)}")
    return SPLITS[name]


def instances(world: World, template: Template) -> list[Task]:
    """Every task of a template in a world (at most MAX_INSTANCES, no two alike), always in the same order."""
    rng = seeded("drafts", template.id, world.partition, world.seed)
    distinct: dict[tuple[str, str], Draft] = {}
    for draft in template.build(world, rng, MAX_INSTANCES):
        distinct.setdefault((Task(template, 0, draft).intent, draft.start), draft)
    drafts = list(distinct.values())[:MAX_INSTANCES]
    return [Task(template, index, draft) for index, draft in enumerate(drafts)]


def tasks(worlds: Worlds, split: Split, world_seed: int, count: int) -> list[Task]:
    """`count` tasks of a split (fewer if the world has no more), spread evenly over its templates.

    About IMPOSSIBLE_SHARE of them are impossible. A smaller count gives a subset of a larger one's tasks,
    up to rounding; the order is shuffled, the same in every call.
    """
    if not 1 <= count <= 10_000:
        raise BadInput(f"count is {count}", "ask for 1 to 10000 tasks")
    world = worlds.get(split.partition, world_seed)
    pools = [instances(world, template) for template in TEMPLATES.values() if template.held_out == split.held_out]
    possible = [[task for task in pool if not task.impossible] for pool in pools]
    impossible = [[task for task in pool if task.impossible] for pool in pools]
    num_impossible = min(round(count * IMPOSSIBLE_SHARE), sum(map(len, impossible)))
    drawn = _spread(impossible, num_impossible, seeded("impossible", split.name, world_seed))
    drawn += _spread(possible, count - len(drawn), seeded("possible", split.name, world_seed))
    return seeded("order", split.name, world_seed).sample(drawn, len(drawn))


def _spread(pools: list[list[Task]], count: int, rng: random.Random) -> list[Task]:
    """The first tasks of all pools, then the second ones, and so on; within a round in random order."""
    drawn: list[Task] = []
    for round_ in range(MAX_INSTANCES):
        drawn += [pool[round_] for pool in rng.sample(pools, len(pools)) if round_ < len(pool)]
        if len(drawn) >= count:
            break
    return drawn[:count]


def find(worlds: Worlds, split: Split, world_seed: int, task_id: int) -> Task:
    """One task by its id. Raises UnknownResource."""
    template = TEMPLATES.get(task_id // 1000)
    if template is not None and template.held_out == split.held_out:
        for task in instances(worlds.get(split.partition, world_seed), template):
            if task.id == task_id:
                return task
    raise UnknownResource(
        f"no task {task_id} in split {split.name} of world {world_seed}", f"list them at /suites/{split.name}"
    )
