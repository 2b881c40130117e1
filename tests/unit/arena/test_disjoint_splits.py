"""Nothing that is measured on can have been trained on: splits share no world, no held-out template and no name."""

from __future__ import annotations

import itertools
import json
import re

import pytest

from services.arena.suite import SPLITS, tasks
from services.arena.task import Task
from services.arena.world import World, Worlds

SEEN, HELD_OUT = ("demo", "train"), ("heldout-instances", "heldout-templates")
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return Worlds(capacity=12)


def of_split(worlds: Worlds, name: str) -> dict[tuple[str, int, int], Task]:
    """Tasks by (partition, world seed, id), as trajectories and comparisons name them."""
    split = SPLITS[name]
    return {
        (split.partition, seed, task.id): task
        for seed in SEEDS
        for task in tasks(worlds, split, seed, split.default_count)
    }


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))


def contents(world: World) -> set[str]:
    """Every word of a world's database."""
    tables = [row[0] for row in world.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return words(" ".join(str(tuple(row)) for table in tables for row in world.query(f"SELECT * FROM {table}")))


def test_no_task_stands_in_a_seen_and_in_a_held_out_split(worlds):
    for seen, held_out in itertools.product(SEEN, HELD_OUT):
        assert not of_split(worlds, seen).keys() & of_split(worlds, held_out).keys()


def test_a_held_out_template_is_never_seen(worlds):
    templates = {name: {task.template.id for task in of_split(worlds, name).values()} for name in SPLITS}
    for name in (*SEEN, "heldout-instances"):
        assert not templates[name] & templates["heldout-templates"]


@pytest.mark.parametrize("held_out", HELD_OUT)
@pytest.mark.parametrize("seen", SEEN)
def test_no_name_of_a_held_out_task_occurs_in_what_is_seen(worlds, seen, held_out):
    invented = set().union(*(worlds.get("eval", seed).invented for seed in SEEDS))
    asked = words(" ".join(json.dumps(task.webarena()) for task in of_split(worlds, held_out).values()))
    names = asked & invented
    assert len(names) > 100
    for seed in SEEDS:
        assert not names & contents(worlds.get(SPLITS[seen].partition, seed))
    assert not names & words(" ".join(json.dumps(task.webarena()) for task in of_split(worlds, seen).values()))
