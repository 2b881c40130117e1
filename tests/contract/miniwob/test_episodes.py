"""MiniWoB++ pages as episodes: what they show, what their seed decides, and that their outcome is final."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.rollout.v1 import rollout_service_pb2 as rollout
from ratchet.rollout.v1.rollout_service_pb2_grpc import RolloutServiceStub
from ratchet.scoring.v1 import scoring_service_pb2 as scoring
from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as store
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.arena.miniwob import package, tasks
from services.arena.miniwob.tasks import Task
from services.rollout.adapters.miniwob import _UTTERANCE

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUM_PAGES, NUM_DEFAULT_PAGES = 130, 92
NUM_SESSIONS = 4
# Pages of every kind whose text depends on the seed.
SEEDED = (
    "click-button",
    "click-link",
    "email-inbox-nl-turk",
    "choose-list",
    "book-flight",
    "read-table",
    "click-tab-2",
)


async def test_every_page_loads_says_what_to_do_and_can_be_observed(rooms: Any) -> None:
    pages = package.find().pages
    assert len(pages) == NUM_PAGES
    shown: dict[str, pb.Observation] = {}
    waiting = iter(pages)

    async def look() -> None:
        async with rooms.session(Task(pages[0], 1, 1)) as opened:
            for page in waiting:
                task = Task(page, 1, 1)
                reply = await rooms.go(opened.session, task)
                assert not reply.error, (page, reply.error)
                # Whatever a page asks the network for would be told as refused.
                assert not reply.events, (page, list(reply.events))
                assert len(await rooms.read(opened.session, _UTTERANCE)) > 5, page
                assert await rooms.outcome(opened.session, task) == "not finished", page
                shown[page] = reply.observation

    await asyncio.gather(*(look() for _ in range(NUM_SESSIONS)))
    assert sorted(shown) == list(pages)
    for page, seen in shown.items():
        assert seen.url == tasks.DISPLAY_URL + Task(page, 1, 1).path
        assert "START" not in seen.text, page
        assert "Last reward" not in seen.text, page
    default = [page for page in pages if any(s.has(page) for s in tasks.SPLITS.values() if not s.left_out)]
    assert len(default) == NUM_DEFAULT_PAGES


async def test_a_seed_means_one_problem_and_another_seed_another(rooms: Any) -> None:
    async def problem(page: str, instance: int) -> tuple[str, str]:
        async with rooms.session(Task(page, instance, 1)) as opened:
            return await rooms.read(opened.session, _UTTERANCE), opened.observation.text

    for page in SEEDED:
        first, again, other = await asyncio.gather(problem(page, 1), problem(page, 1), problem(page, 2))
        assert first == again, page
        assert first != other, page


async def test_held_out_instances_are_the_pages_own_test_mode(rooms: Any) -> None:
    async with rooms.session(Task("click-test-transfer", tasks.FIRST_HELD_OUT, 1)) as opened:
        assert await rooms.read(opened.session, _UTTERANCE) == "Click button TWO."


async def press(rooms: Any, session: str, seen: pb.Observation, name: str) -> pb.Observation:
    (number,) = (element.id for element in seen.elements if element.name == name)
    reply = await rooms.browser.Act(
        pb.ActRequest(session=session, action=f"click [{number}]", observation_format="compact")
    )
    assert not reply.error
    return reply.observation


async def test_an_outcome_is_final_for_the_session(rooms: Any) -> None:
    task = Task("click-test-2", 1, 1)
    async with rooms.session(task) as opened:
        after = await press(rooms, opened.session, opened.observation, "TWO")
        assert await rooms.outcome(opened.session, task) == "raw reward -1"
        await press(rooms, opened.session, after, "ONE")
        assert await rooms.outcome(opened.session, task) == "raw reward -1"
        again = (await rooms.go(opened.session, task)).observation
        await press(rooms, opened.session, again, "ONE")
        assert await rooms.outcome(opened.session, task) == "raw reward -1"
    async with rooms.session(task) as opened:
        await press(rooms, opened.session, opened.observation, "ONE")
        await rooms.go(opened.session, task)
        assert await rooms.outcome(opened.session, task) == "solved"


async def test_an_easier_page_is_not_the_task(rooms: Any) -> None:
    task = Task("book-flight", 1, 1)
    async with rooms.session(task) as opened:
        easy = Task("click-test-2", 1, 1)
        seen = (await rooms.go(opened.session, easy)).observation
        await press(rooms, opened.session, seen, "ONE")
        assert await rooms.outcome(opened.session, easy) == "solved"
        assert await rooms.outcome(opened.session, task) == "not on the page of the task"


async def test_the_scoring_room_reads_the_reward(rooms: Any) -> None:
    task = Task("click-test-2", 1, 1)
    rewards = []
    for name in ("ONE", "TWO"):
        async with rooms.session(task) as opened:
            seen = await press(rooms, opened.session, opened.observation, name)
            reply = await ScoringServiceStub(rooms.channels["scoring"]).EvaluateEpisode(
                scoring.EvaluateEpisodeRequest(
                    task_json=json.dumps(task.webarena()),
                    final_url=seen.url,
                    session=opened.session,
                    placeholders={tasks.PLACEHOLDER: tasks.DISPLAY_URL},
                )
            )
            rewards.append(reply.reward)
    assert rewards == [1.0, 0.0]


async def test_a_trajectory_keeps_what_the_page_asked_for(rooms: Any) -> None:
    request = rollout.RunEpisodeRequest(
        episode="evaluations/e/episodes/one",
        attempt=1,
        environment="miniwob",
        world="train/1",
        task_json=json.dumps(Task("click-test-2", 1, 1).webarena()),
        agent=rollout.Agent(kind="trivial"),
        max_steps=2,
    )
    events = [event async for event in RolloutServiceStub(rooms.channels["rollout"]).RunEpisode(request)]
    finished = events[-1].finished
    kept = await TrajectoryServiceStub(rooms.channels["trajectory"]).GetTrajectory(
        store.GetTrajectoryRequest(name=finished.trajectory)
    )
    assert kept.trajectory.intent == "Click button ONE."
    assert json.loads(kept.trajectory.task_json)["intent"] == "Click button ONE."
    assert finished.reward == 0
    assert "not finished" in kept.trajectory.checks[0]


@pytest.mark.parametrize(
    "path",
    [
        "/../registration.py",
        "/%2e%2e/registration.py",
        "/core/../../registration.py",
        "/core/..%2f..%2fregistration.py",
        "//etc/passwd",
        "/core/record.js",
        "/flight/AA/index.html",
        "/miniwob/click-button.html",
        "/core/",
        "/",
    ],
)
async def test_only_listed_files_are_served(rooms: Any, path: str) -> None:
    # By hand: an HTTP client would tidy the path up.
    parts = urlsplit(rooms.pages_url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"gymnasium" not in answer
