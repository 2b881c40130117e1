"""A file of WebArena tasks is taken whole, or refused with the line and field of each fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import webarena
from services.orchestrator import taskfile
from services.orchestrator.suites import ImportedSuite


def task(**changes: Any) -> dict[str, Any]:
    return {
        "sites": ["shopping"],
        "task_id": 7,
        "require_login": False,
        "storage_state": None,
        "start_url": "__SHOPPING__",
        "geolocation": None,
        "intent_template": "Open {{x}}",
        "instantiation_dict": {"x": "it"},
        "intent": "Open it",
        "require_reset": False,
        "eval": {
            "eval_types": ["string_match"],
            "reference_answers": {"exact_match": "it"},
            "reference_url": "",
            "program_html": [],
        },
        "intent_template_id": 1,
    } | changes


def written(*tasks: dict[str, Any]) -> str:
    return "[\n" + ",\n".join(json.dumps(each) for each in tasks) + "\n]"


def test_good_tasks_come_back_unchanged() -> None:
    tasks = [task(), task(task_id=8, note="kept")]
    assert taskfile.parse(written(*tasks)) == tasks


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{]", r"line 1, column 3: not JSON"),
        ("{}", r"JSON array"),
        ("[]", r"at least one task"),
        (written(task(), task(task_id="8")), r"line 3: task_id: .*integer"),
        (written(task(intent="")), r"line 2: intent:"),
        (written({k: v for k, v in task().items() if k != "start_url"}), r"line 2: start_url: Field required"),
        (written(task(), task()), r"line 3: task_id: 7 was used on line 2"),
        (written(task(eval=task()["eval"] | {"eval_types": ["magic"]})), r"line 2: eval.eval_types.0:"),
    ],
)
def test_a_fault_is_named_with_its_line_and_field(text: str, message: str) -> None:
    with pytest.raises(taskfile.BadTaskFile, match=message):
        taskfile.parse(text)


@pytest.mark.skipif(not webarena.TASKS.is_file(), reason=webarena.MISSING)
def test_webarena_s_own_file_is_taken_and_split_without_overlap() -> None:
    tasks = taskfile.parse(webarena.TASKS.read_text())
    assert len(tasks) == 812
    suite = ImportedSuite("webarena", tasks, {})
    ids: dict[str, set[int]] = {"train": set(), "heldout-instances": set(), "heldout-templates": set()}
    templates: dict[str, set[int]] = {name: set() for name in ids}
    for split in ids:
        for each in suite.chosen(split):
            ids[split].add(each["task_id"])
            templates[split].add(each["intent_template_id"])
    assert sum(map(len, ids.values())) == 812
    assert not templates["heldout-templates"] & (templates["train"] | templates["heldout-instances"])
