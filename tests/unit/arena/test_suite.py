"""Suites and tasks: WebArena's keys, disjoint splits, stable ids, scripts as data."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from services.arena import suite
from services.arena.errors import BadInput, UnknownResource
from services.arena.names import PARTITIONS
from services.arena.sites import SITES, TEMPLATES
from services.arena.task import Task, at_url, exact, page_has
from services.arena.task import _evaluation as evaluation
from services.arena.world import Worlds

# As in WebArena's own test.raw.json.
TASK_KEYS = (
    "sites, task_id, require_login, storage_state, start_url, geolocation, intent_template, instantiation_dict, "
    "intent, require_reset, eval, intent_template_id"
)
EVAL_KEYS = "eval_types, program_html, reference_answer_raw_annotation, reference_answers, reference_url, string_note"
MOVES = {"click", "fill", "press", "scroll", "goto", "back", "stop"}


@pytest.fixture(scope="module")
def worlds() -> Worlds:
    return Worlds()


@pytest.fixture(scope="module")
def everything(worlds: Worlds) -> dict[str, list[Task]]:
    return {
        name: [
            task
            for template in TEMPLATES.values()
            if template.held_out == split.held_out
            for task in suite.instances(worlds.get(split.partition, 1), template)
        ]
        for name, split in suite.SPLITS.items()
    }


def test_every_task_has_exactly_webarenas_keys(everything: dict[str, list[Task]]) -> None:
    for task in (task for tasks in everything.values() for task in tasks):
        written = json.loads(json.dumps(task.webarena()))
        assert ", ".join(written) == TASK_KEYS
        note = written["eval"].pop("url_note", None)
        assert (note == "GOLD in PRED") == ("url_match" in written["eval"]["eval_types"])
        assert ", ".join(sorted(written["eval"])) == EVAL_KEYS
        for check in written["eval"]["program_html"]:
            assert sorted(check) == ["locator", "required_contents", "url"]


def test_every_placeholder_of_an_intent_is_filled(everything: dict[str, list[Task]]) -> None:
    for task in (task for tasks in everything.values() for task in tasks):
        assert "{{" not in task.intent, task.intent
        for name in task.draft.values:
            assert "{{" + name + "}}" in task.template.text, (task.id, name)


def test_every_script_is_one_to_twelve_moves_ending_with_its_only_stop(everything: dict[str, list[Task]]) -> None:
    for task in (task for tasks in everything.values() for task in tasks):
        moves = json.loads(json.dumps(task.expert()))
        assert 1 <= len(moves) <= 12, task.id
        assert [move["kind"] for move in moves].count("stop") == 1
        assert moves[-1]["kind"] == "stop"
        assert moves[-1]["answer"], "an empty stop is thrown away by the filter"
        assert {move["kind"] for move in moves} <= MOVES


def test_drafts_of_a_template_differ(everything: dict[str, list[Task]]) -> None:
    for name, tasks in everything.items():
        seen = Counter((task.template.id, task.intent, task.draft.start) for task in tasks)
        assert [key for key, count in seen.items() if count > 1] == [], name


def test_ids_are_unique_within_a_suite_and_stable_for_any_count(worlds: Worlds) -> None:
    split = suite.SPLITS["heldout-instances"]
    long = {task.id: task.intent for task in suite.tasks(worlds, split, 1, 200)}
    short = {task.id: task.intent for task in suite.tasks(worlds, split, 1, 60)}
    assert (len(long), len(short)) == (200, 60)
    assert all(long[task_id] == intent for task_id, intent in short.items())
    task_id = next(iter(short))
    assert suite.find(worlds, split, 1, task_id).intent == short[task_id]


def test_the_splits_share_no_template_across_seen_and_held_out(everything: dict[str, list[Task]]) -> None:
    ids = {name: {task.template.id for task in tasks} for name, tasks in everything.items()}
    seen = ids["demo"] | ids["train"] | ids["heldout-instances"]
    assert not seen & ids["heldout-templates"]
    assert seen | ids["heldout-templates"] == set(TEMPLATES)
    assert 0.15 < len(ids["heldout-templates"]) / len(TEMPLATES) < 0.4


def test_the_splits_worlds_are_of_disjoint_partitions() -> None:
    used = {name: split.partition for name, split in suite.SPLITS.items()}
    assert used["heldout-instances"] == used["heldout-templates"] == "eval"
    assert {used["demo"], used["train"], "eval"} == set(PARTITIONS)


def test_the_default_suites_hold_at_least_480_tasks_over_60_templates(worlds: Worlds) -> None:
    drawn = {
        name: suite.tasks(worlds, split, split.default_seed, split.default_count)
        for name, split in suite.SPLITS.items()
        if name != "demo"
    }
    assert sum(map(len, drawn.values())) >= 480
    assert len({task.template.id for tasks in drawn.values() for task in tasks}) >= 60


def test_every_site_has_at_least_eight_templates() -> None:
    own = Counter(template.sites[0] for template in TEMPLATES.values() if len(template.sites) == 1)
    assert {key: own[key] >= 8 for key in SITES} == dict.fromkeys(SITES, True)
    assert sum(len(template.sites) > 1 for template in TEMPLATES.values()) >= 4


def test_tasks_are_spread_evenly_over_templates(worlds: Worlds) -> None:
    drawn = suite.tasks(worlds, suite.SPLITS["train"], 1, 240)
    counts = Counter(task.template.id for task in drawn if not task.impossible)
    for template in TEMPLATES.values():
        if not template.held_out:
            there_are = sum(not task.impossible for task in suite.instances(worlds.get("train", 1), template))
            assert counts[template.id] >= min(there_are, max(counts.values()) - 1)


@pytest.mark.parametrize("name", sorted(suite.SPLITS))
@pytest.mark.parametrize("count", [60, 160, 400])
def test_about_one_task_in_twenty_is_impossible(worlds: Worlds, name: str, count: int) -> None:
    drawn = suite.tasks(worlds, suite.SPLITS[name], 2, count)
    assert len(drawn) == count
    assert 0.03 <= sum(task.impossible for task in drawn) / count <= 0.07


def test_a_task_without_checks_or_with_two_answers_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a check"):
        evaluation(())
    with pytest.raises(ValueError, match="at most one"):
        evaluation((exact("a"), exact("b")))


def test_checks_combine_in_webarenas_order() -> None:
    parts = (page_has("last", "", includes=["x"]), at_url("__SHOPPING__/cart"), exact("1"))
    written = evaluation(parts)
    assert written["eval_types"] == ["string_match", "url_match", "program_html"]
    assert written["url_note"] == "GOLD in PRED"


def test_a_page_check_needs_one_way_of_matching() -> None:
    with pytest.raises(ValueError, match="exact= or includes="):
        page_has("last", "")


def test_unknown_splits_tasks_and_counts_are_refused(worlds: Worlds) -> None:
    with pytest.raises(UnknownResource, match="heldout-templates"):
        suite.split_named("dev")
    with pytest.raises(UnknownResource, match="no task 1 in split train"):
        suite.find(worlds, suite.SPLITS["train"], 1, 1)
    with pytest.raises(BadInput, match="1 to 10000"):
        suite.tasks(worlds, suite.SPLITS["train"], 1, 0)
