"""WebArena's own tasks as episodes: opened, answered and judged in a real browser, one of each template.

All 812 when WEBARENA_TASKS=812.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import pytest

from benchmarks import webarena
from ratchet.rollout.v1 import rollout_service_pb2 as rollout
from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from services.common.errors import RatchetError

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not webarena.TASKS.is_file(), reason=webarena.MISSING),
]
PARALLEL = 4
NUM_TEMPLATES = 190


def tasks() -> list[dict[str, Any]]:
    """The tasks to run."""
    found: list[dict[str, Any]] = json.loads(webarena.TASKS.read_text())
    if os.environ.get("WEBARENA_TASKS") == "812":
        return found
    first: dict[int, dict[str, Any]] = {}
    for task in found:
        first.setdefault(task["intent_template_id"], task)
    return list(first.values())


async def run(rooms: Any, task: dict[str, Any]) -> tuple[rollout.EpisodeFinished, store.Trajectory]:
    """One episode of the agent that always answers N/A."""
    request = rollout.RunEpisodeRequest(
        episode=f"evaluations/webarena/episodes/e{task['task_id']}",
        attempt=1,
        environment="sites",
        task_json=json.dumps(task),
        agent=rollout.Agent(kind="trivial", prompt_format="webarena-cot"),
        max_steps=2,
    )
    [finished] = [event.finished async for event in rooms.rollout.RunEpisode(request) if event.HasField("finished")]
    asked = store.GetTrajectoryRequest(name=finished.trajectory)
    return finished, (await rooms.trajectories.GetTrajectory(asked)).trajectory


def is_solved_by_na(task: dict[str, Any]) -> bool:
    """Whether the reference answer is that there is none, and nothing else is asked."""
    answers = task["eval"]["reference_answers"] or {}
    return task["eval"]["eval_types"] == ["string_match"] and answers == {"fuzzy_match": "N/A"}


async def test_every_template_opens_is_answered_and_judged(rooms: Any) -> None:
    wanted, solved, broken, checked = tasks(), set(), {}, 0
    waiting = iter(wanted)

    async def work() -> None:
        nonlocal checked
        for task in waiting:
            try:
                finished, trajectory = await run(rooms, task)
            except RatchetError as error:
                broken[task["task_id"]] = error.message
                continue
            checked += len(trajectory.checks)
            assert "__" not in trajectory.steps[0].url, trajectory.steps[0].url
            if finished.reward:
                solved.add(task["task_id"])

    await asyncio.gather(*(work() for _ in range(PARALLEL)))
    assert broken == {}
    assert len(wanted) >= NUM_TEMPLATES
    assert solved == {task["task_id"] for task in wanted if is_solved_by_na(task)}
    assert checked >= len(wanted)


async def test_a_task_with_several_start_pages_has_a_tab_for_each(rooms: Any) -> None:
    task = next(task for task in json.loads(webarena.TASKS.read_text()) if "|AND|" in task["start_url"])
    urls = [url.strip() for url in task["start_url"].split("|AND|")]
    _, trajectory = await run(rooms, task)
    (tabs, *_) = trajectory.steps[0].observation.split("\n")
    assert tabs.count("Tab ") == len(urls)
    assert tabs.startswith("Tab 0 (current)")
    assert trajectory.steps[0].url == urls[0].replace("__SHOPPING__", rooms.sites["__SHOPPING__"])
