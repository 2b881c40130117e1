"""Demonstrators of every skill: the expert's episodes, some of them gone wrong as a novice's would.

A language model has read agents of every quality, so it does right often where many do right and seldom where few
do; cloned from an expert alone, a policy can or cannot, and has nothing to learn from its own attempts.
Invariant: a novice's episode is the expert's up to one mistake, which is its last step; which episodes go wrong and
how depends on the seed, the world and the task only.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from services.training.pretraining.demonstrations import Demonstration
from services.training.pretraining.pages import parse

# Stops before all is done; says that it cannot be done; follows the page's first link, mostly back to the start.
_HABITS = ("stops", "gives up", "strays")


def mixed(steps: Iterable[Demonstration], reliability: tuple[float, float], seed: int) -> list[Demonstration]:
    """The steps of demonstrators of all skills, given the expert's, episodes whole and in order.

    The demonstrators of a template (task id // 1000) do it right in a share of their episodes that is drawn evenly
    from `reliability`, and have one habitual mistake otherwise. (1, 1) leaves the expert's steps as they are.
    """
    return [step for _, episode in groupby(steps, _episode) for step in _played(list(episode), reliability, seed)]


def _episode(step: Demonstration) -> tuple[str, int]:
    return step.world, step.task


def _played(episode: list[Demonstration], reliability: tuple[float, float], seed: int) -> Iterator[Demonstration]:
    world, task = _episode(episode[0])
    template = random.Random(f"{seed}:{task // 1000}")
    right, habit, where = template.uniform(*reliability), template.choice(_HABITS), template.random()
    if random.Random(f"{seed}:{world}:{task}").random() < right:
        yield from episode
        return
    # Never in place of the last step: a stop there may be the expert's own.
    place = int(where * (len(episode) - 1))
    if habit == "stops":
        place = max(place, 1)
    yield from episode[:place]
    if place < len(episode):
        yield _mistaken(episode[place], habit if len(episode) > place + 1 else "gives up")


def _mistaken(step: Demonstration, habit: str) -> Demonstration:
    link = next((line for line in parse(step.page) if line.id is not None and line.role == "link"), None)
    if habit == "strays" and link is not None:
        return replace(step, kind="click", response=f"{link.name} [{link.id}]\nACTION: click [{link.id}]")
    said = "Done" if habit == "stops" else "N/A"
    return replace(step, kind="stop", response=f"{said}\nACTION: stop [{said}]")
