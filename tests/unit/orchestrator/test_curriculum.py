"""Which tasks a curriculum tries."""

from __future__ import annotations

from services.orchestrator import curriculum
from services.orchestrator.ports import SuiteTask


def task(number: int, template: int) -> SuiteTask:
    return SuiteTask({"task_id": number, "intent_template_id": template}, "train/1")


def test_doubtful_templates_come_first_and_untried_ones_are_in_doubt():
    tasks = [task(1, 10), task(2, 20), task(3, 30), task(4, 20)]
    chosen = curriculum.choose(tasks, {"10": 0.0, "20": 0.6}, 3)
    assert [each.id for each in chosen] == ["3", "2", "4"]


def test_the_suites_order_stands_where_nothing_is_known():
    tasks = [task(number, number) for number in range(5)]
    assert curriculum.choose(tasks, {}, 3) == tasks[:3]
