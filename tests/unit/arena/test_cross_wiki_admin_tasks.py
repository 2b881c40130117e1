"""The task templates of the encyclopedia, the back office and two sites: what each one promises."""

from __future__ import annotations

import random
from urllib.parse import unquote_plus, urlsplit

import pytest

from services.arena import suite
from services.arena.sites import TEMPLATES
from services.arena.task import Task, Template
from services.arena.world import World

GROUPS = {"admin": range(200, 300), "wiki": range(500, 600), "cross": range(600, 700)}


@pytest.fixture(scope="module", params=[("train", 5), ("eval", 6)], ids=["train", "eval"])
def world(request: pytest.FixtureRequest) -> World:
    return World(*request.param)


@pytest.fixture(scope="module")
def tasks(world: World) -> dict[int, list[Task]]:
    return {template.id: suite.instances(world, template) for group in GROUPS for template in of_group(group)}


def of_group(group: str) -> list[Template]:
    return [template for template in TEMPLATES.values() if template.id in GROUPS[group]]


@pytest.mark.parametrize(("group", "least"), [("admin", 13), ("wiki", 13), ("cross", 5)])
def test_a_group_has_enough_templates_and_about_a_quarter_are_held_out(group: str, least: int) -> None:
    templates = of_group(group)
    assert len(templates) >= least
    assert 0.2 <= sum(template.held_out for template in templates) / len(templates) <= 0.36


def test_cross_site_tasks_act_on_both_their_sites(tasks: dict[int, list[Task]]) -> None:
    for template in of_group("cross"):
        assert len(set(template.sites)) == 2
        for task in tasks[template.id]:
            assert template.sites[1] in {move.get("site") for move in task.expert()}
            assert 4 <= len(task.expert()) <= 12


def test_no_builder_offers_the_same_task_twice(world: World) -> None:
    for template in (template for group in GROUPS for template in of_group(group)):
        drafts = template.build(world, random.Random(3), 24)
        assert drafts
        assert len({(*draft.values.values(), draft.start) for draft in drafts}) == len(drafts), template.text


def test_what_an_expert_types_stands_in_the_objective(tasks: dict[int, list[Task]]) -> None:
    for task in (task for instances in tasks.values() for task in instances):
        for move in task.expert():
            if move["kind"] == "fill":
                assert move["text"] in task.intent, task.intent


def test_an_answer_can_be_read_from_one_element(tasks: dict[int, list[Task]]) -> None:
    for task in (task for instances in tasks.values() for task in instances):
        final = task.expert()[-1]
        assert final["kind"] == "stop"
        if "string_match" in task.webarena()["eval"]["eval_types"] and not task.impossible:
            assert final["answer"] in final["source"]
            assert "reference_answers" in task.webarena()["eval"]


def test_an_impossible_task_is_given_up_after_a_look_and_says_why(tasks: dict[int, list[Task]]) -> None:
    impossible = [task for instances in tasks.values() for task in instances if task.impossible]
    assert {task.template.id for task in impossible} == {218, 520}
    for task in impossible:
        assert task.webarena()["eval"]["reference_answers"] == {"fuzzy_match": "N/A"}
        assert task.webarena()["eval"]["string_note"].strip()
        assert task.expert()[-1]["answer"] == "N/A"
        assert len(task.expert()) > 1


def test_a_value_carried_over_in_an_address_is_the_one_that_is_then_opened(tasks: dict[int, list[Task]]) -> None:
    for task in tasks[605]:
        carried, opened = task.expert()[2:4]
        name = unquote_plus(urlsplit(carried["url"]).query.removeprefix("q="))
        assert name == opened["name"]
        assert task.webarena()["eval"]["reference_url"].endswith("/" + name.lower().replace(" ", "-"))
