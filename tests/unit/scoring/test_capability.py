"""Capabilities on chosen vectors, and on WebArena's own tasks where they are at hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from benchmarks import webarena
from services.common.errors import InvalidArgument
from services.scoring import capability
from services.scoring.capability import Agent, Template
from services.scoring.comparison import Draws

HOW = Draws(1_000, 0)


def at(degrees: float) -> list[float]:
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def join(*given: tuple[str, str, float], threshold: float = 0.6) -> set[frozenset[str]]:
    """Groups of template texts from (sites, text, direction in degrees)."""
    templates = [Template(tuple(sites.split()), text) for sites, text, _ in given]
    vectors = np.array([at(degrees) for *_, degrees in given], dtype=np.float32)
    named = capability.join(templates, vectors, threshold)
    return {frozenset(t.text for t in templates if named[t] == name) for name in named.values()}


def groups(*texts: str) -> set[frozenset[str]]:
    return {frozenset(group.split()) for group in texts}


def test_templates_are_joined_from_the_threshold_on():
    """cos 53.13 = 0.6: the threshold itself joins, a hair further does not."""
    edge = math.degrees(math.acos(0.6))
    assert join(("shop", "a", 0), ("shop", "b", edge)) == groups("a b")
    assert join(("shop", "a", 0), ("shop", "b", edge + 0.01)) == groups("a", "b")
    assert join(("shop", "a", 0), ("shop", "b", 20), threshold=0.95) == groups("a", "b")


def test_joining_is_transitive():
    """a and c are at a right angle, and b is like both."""
    assert join(("shop", "a", 0), ("shop", "b", 45), ("shop", "c", 90)) == groups("a b c")
    assert join(("shop", "c", 90), ("shop", "a", 0)) == groups("a", "c")


def test_other_sites_are_another_capability_however_alike():
    same = [("shop", "a", 0), ("shop wiki", "b", 0), ("wiki", "c", 0)]
    assert join(*same) == groups("a", "b", "c")


def test_a_capability_is_named_after_its_first_template_whatever_the_order():
    templates = [Template(("shop",), "b"), Template(("shop",), "a"), Template((), "z")]
    vectors = np.array([at(0), at(10), at(0)], dtype=np.float32)
    named = capability.join(templates, vectors, 0.6)
    assert [named[t] for t in templates] == ["shop: a", "shop: a", "z"]
    assert capability.join(templates[::-1], vectors[::-1], 0.6) == named


def test_sites_are_a_set_and_a_task_without_a_template_has_its_intent():
    task = {"sites": ["wiki", "map", "wiki"], "intent_template": "find {{x}}", "intent": "find y"}
    assert capability.template_of(task) == (("map", "wiki"), "find {{x}}")
    assert capability.template_of({"intent": "find y"}) == ((), "find y")
    with pytest.raises(InvalidArgument, match="task 7 has neither"):
        capability.template_of({"task_id": 7})


CAPABILITY_OF = {"w:1": "buy", "w:2": "buy", "w:3": "search", "w:4": "post", "w:5": "rate"}
BASE = Agent("base", {"w:1", "w:2", "w:3", "w:4"}, {"w:1", "w:3"})
NEW = Agent("new", {"w:1", "w:2", "w:3", "w:4"}, {"w:1", "w:2", "w:4"})


def test_one_solved_task_shows_a_capability():
    base, new = capability.scores([BASE, NEW], "base", CAPABILITY_OF, HOW)
    assert (base.num_had, base.num_capabilities, base.mean) == (2, 3, pytest.approx(2 / 3))
    assert (list(base.gained), list(base.lost)) == ([], [])
    assert (new.num_had, list(new.gained), list(new.lost)) == (2, ["post"], ["search"])
    assert 0 <= new.interval.low < new.mean < new.interval.high <= 1


def test_without_trivial_tasks_a_capability_may_go_and_its_other_tasks_stay():
    """The trivial agent solves w:1 and w:4: buying stays for w:2, which only the new agent solves; posting goes."""
    left = {key: name for key, name in CAPABILITY_OF.items() if key not in {"w:1", "w:4"}}
    base, new = capability.scores([BASE, NEW], "base", left, HOW)
    assert (base.num_had, new.num_had, new.num_capabilities) == (1, 1, 2)
    assert (list(new.gained), list(new.lost)) == (["buy"], ["search"])
    (nothing,) = capability.scores([BASE], "base", {}, HOW)
    assert (nothing.num_capabilities, nothing.mean) == (0, 0)


def test_a_capability_tells_its_tasks_and_who_has_it():
    templates = {"w:1": Template(("shop",), "buy {{x}}"), "w:2": Template(("shop",), "order {{x}}")}
    found = {each.name: each for each in capability.describe([BASE, NEW], templates, CAPABILITY_OF, {"w:1"})}
    buy = found["buy"]
    assert (buy.num_tasks, buy.num_nontrivial_tasks, list(buy.agents)) == (2, 1, ["base", "new"])
    assert (list(buy.sites), list(buy.templates)) == (["shop"], ["buy {{x}}", "order {{x}}"])
    assert list(found["rate"].agents) == []


def test_a_given_mapping_goes_by_key_then_by_task_id():
    assert capability.given(["w:1", "v:1"], {"1": "any", "v:1": "own"}) == {"w:1": "any", "v:1": "own"}
    with pytest.raises(InvalidArgument, match="neither 'w:2'"):
        capability.given(["w:1", "w:2"], {"1": "any"})


@pytest.mark.skipif(not webarena.TASKS.is_file(), reason=webarena.MISSING)
def test_webarenas_templates_fall_into_groups(record_property):
    """The paper has 144 with its own model, this one 138: it depends on the model, so only bounds are asserted."""
    from services.scoring.adapters.sentences import SentenceEmbedder

    templates = sorted({capability.template_of(task) for task in json.loads(webarena.TASKS.read_text())})
    vectors = SentenceEmbedder("packaged").embed([template.text for template in templates])
    named = capability.join(templates, vectors, 0.6)
    num_groups = len(set(named.values()))
    record_property("num_groups", num_groups)
    assert len({template.text for template in templates}) == 241
    assert 100 <= num_groups <= 200
    assert len(set(capability.join(templates, vectors, 0.7).values())) > num_groups
