"""MiniWoB++ as suites: splits, ids, and what happens without the package."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from services.arena.errors import BadInput, NotInstalled, UnknownResource
from services.arena.miniwob import package, tasks
from services.arena.miniwob.catalog import HELD_OUT_FAMILIES, NEEDS
from services.arena.miniwob.tasks import SPLITS
from services.arena.server import ArenaServer
from services.arena.settings import ArenaSettings
from services.orchestrator.adapters.control import control as suite_control_at
from services.orchestrator.adapters.miniwob import MiniwobSuite
from services.orchestrator.ports import SuiteUnavailable, UnknownSplit, UnknownTask
from services.rollout.adapters.control import control as control_at
from services.rollout.adapters.miniwob import MiniwobEnvironment
from services.rollout.ports import EnvironmentFailed
from services.scoring import tasks as scoring_tasks

INSTALL = r"pip install 'ratchet-agent\[miniwob\]'"
PACKAGE = package.find()


def test_each_page_is_in_exactly_the_splits_that_its_kind_says() -> None:
    by_split = {name: {page for page in PACKAGE.pages if split.has(page)} for name, split in SPLITS.items()}
    assert by_split["train"] == by_split["heldout-instances"]
    assert by_split["left-out"] == set(NEEDS)
    assert not by_split["train"] & by_split["heldout-templates"]
    assert set.union(*by_split.values()) == set(PACKAGE.pages)
    assert {tasks.family(page) for page in by_split["heldout-templates"]} == HELD_OUT_FAMILIES


def test_the_held_out_families_are_the_draw_that_the_catalog_tells() -> None:
    families = sorted({tasks.family(page) for page in PACKAGE.pages if page not in NEEDS})
    assert set(random.Random(2026).sample(families, len(families) // 4)) == HELD_OUT_FAMILIES


def test_splits_share_no_problem() -> None:
    seeds = {name: {(t.page, t.seed) for t in tasks.tasks(PACKAGE, split, 3)} for name, split in SPLITS.items()}
    assert sum(map(len, seeds.values())) == len(set.union(*seeds.values()))


def test_a_smaller_count_is_the_beginning_of_a_larger_one_and_covers_pages_first() -> None:
    split = SPLITS["train"]
    some, more = tasks.tasks(PACKAGE, split, 1, 20), tasks.tasks(PACKAGE, split, 1, 150)
    assert more[:20] == some
    assert len({task.page for task in some}) == 20
    assert {task.page for task in more} == {page for page in PACKAGE.pages if split.has(page)}
    assert [task.id for task in tasks.tasks(PACKAGE, split, 2, 20)] != [task.id for task in some]


def test_an_id_finds_its_task_in_its_own_split_only() -> None:
    for name, split in SPLITS.items():
        task = tasks.tasks(PACKAGE, split, 5, 3)[-1]
        assert tasks.find(PACKAGE, split, 5, task.id) == task
        for other in set(SPLITS) - {name}:
            with pytest.raises(UnknownResource, match=task.id):
                tasks.find(PACKAGE, SPLITS[other], 5, task.id)
    for wrong in ("", "click-button", "click-button-x", "click-button-1000", "no-page-1"):
        with pytest.raises(UnknownResource):
            tasks.find(PACKAGE, SPLITS["train"], 5, wrong)
    with pytest.raises(BadInput, match="tasks in a world"):
        tasks.tasks(PACKAGE, SPLITS["train"], 1, 1_000_000)


def test_tasks_are_ones_that_the_scoring_room_can_judge() -> None:
    for task in tasks.tasks(PACKAGE, SPLITS["left-out"], 1, 40):
        told = task.webarena()
        assert told["instantiation_dict"]["needs"] == NEEDS[task.page]
        wanted = scoring_tasks.parse(json.dumps(told), {tasks.PLACEHOLDER: tasks.DISPLAY_URL})
        assert wanted.program_html is not None
        assert wanted.program_html[0].url == "last"


def test_finding_the_pages_runs_none_of_the_packages_code() -> None:
    script = (
        "import sys; from services.arena.miniwob import package; assert package.find().pages; "
        "sys.exit(any(name in sys.modules for name in ('miniwob', 'gymnasium', 'selenium')))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_without_the_package_the_error_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match=INSTALL):
        package.find(module="a_package_that_is_not_installed")
    with pytest.raises(NotInstalled, match=INSTALL):
        package.find(str(tmp_path))


async def test_without_the_package_suites_and_environments_say_so_and_the_arena_works(tmp_path: Path) -> None:
    async with ArenaServer(ArenaSettings(miniwob_html=str(tmp_path))) as server:
        suite_control, control = suite_control_at(lambda: server.control_url), control_at(lambda: server.control_url)
        with pytest.raises(SuiteUnavailable, match=INSTALL):
            await MiniwobSuite(suite_control).tasks("train", 1, 3)
        with pytest.raises(EnvironmentFailed, match=INSTALL):
            await MiniwobEnvironment(control).open("train/1", {"task_id": "click-button-1"})
        assert (await suite_control.call("GET", "/suites/demo", params={"count": 2}))["tasks"]
        await suite_control.stop()
        await control.stop()


async def test_the_suite_lists_and_finds_tasks() -> None:
    async with ArenaServer() as server:
        control = suite_control_at(lambda: server.control_url)
        suite = MiniwobSuite(control)
        assert set(suite.splits) == set(SPLITS)
        listed = await suite.tasks("heldout-templates", 2, 5)
        assert [task.world for task in listed] == ["heldout-templates/2"] * 5
        assert await suite.find("heldout-templates", 2, [task.id for task in listed]) == listed
        with pytest.raises(UnknownTask, match="click-button-1"):
            await suite.find("left-out", 2, ["click-button-1"])
        with pytest.raises(UnknownSplit, match="left-out"):
            await suite.tasks("test", 2, 5)
        await control.stop()
