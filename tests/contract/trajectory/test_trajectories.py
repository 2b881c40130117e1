"""What the store promises about trajectories, over gRPC."""

from __future__ import annotations

import asyncio

import pytest

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from services.common.errors import InvalidArgument, NotFound

FAILED = pb.Trajectory.STATE_FAILED


async def create(store, trajectory):
    return (await store.CreateTrajectory(pb.CreateTrajectoryRequest(trajectory=trajectory))).trajectory


async def page(store, **filters):
    return await store.ListTrajectories(pb.ListTrajectoriesRequest(**filters))


async def test_a_trajectory_comes_back_as_it_was_stored(store, make):
    sent = make(num_steps=3, reward=1, answer="$12.99", task_json='{"task_id": 7}', checks=["string_match: ok"])
    sent.timings.model_call_s = 1.5
    await create(store, sent)
    got = (await store.GetTrajectory(pb.GetTrajectoryRequest(name=sent.name))).trajectory
    assert got.HasField("create_time")
    assert got.num_steps == 3
    got.ClearField("create_time")
    got.ClearField("num_steps")
    assert got == sent


async def test_the_answer_to_a_create_leaves_the_steps_out(store, make):
    answer = await create(store, make(num_steps=3))
    assert (len(answer.steps), answer.num_steps) == (0, 3)


async def test_a_second_success_of_an_episode_is_answered_with_the_first(store, make):
    await create(store, make(attempt=1, answer="first"))
    second = await create(store, make(attempt=2, answer="second"))
    assert (second.name, second.answer) == ("iterations/i1/trajectories/e1-1", "first")
    assert (await page(store)).total_size == 1


async def test_the_same_name_keeps_its_first_content(store, make):
    await create(store, make(state=FAILED, error="browser crashed"))
    again = await create(store, make(answer="late"))
    assert (again.state, again.error) == (FAILED, "browser crashed")


async def test_failed_attempts_are_kept_beside_the_success(store, make):
    for attempt in (1, 2):
        await create(store, make(attempt=attempt, state=FAILED))
    await create(store, make(attempt=3))
    await create(store, make(attempt=4, state=FAILED))
    assert (await page(store, state=FAILED)).total_size == 3
    assert (await page(store, state=pb.Trajectory.STATE_SUCCEEDED)).total_size == 1


async def test_of_twenty_concurrent_successes_one_is_kept_and_all_are_told_which(store, make):
    answers = await asyncio.gather(*(create(store, make(attempt=n, answer=str(n))) for n in range(1, 21)))
    assert len({answer.name for answer in answers}) == 1
    assert (await page(store)).total_size == 1


async def test_lists_are_newest_first_and_pages_join_without_gap_or_repeat(store, make):
    for n in range(7):
        await create(store, make(episode=f"e{n}"))
    names, token = [], ""
    while True:
        answer = await page(store, page_size=3, page_token=token)
        names += [trajectory.name.rsplit("/", 1)[1] for trajectory in answer.trajectories]
        assert answer.total_size == 7
        if not (token := answer.next_page_token):
            break
    assert names == [f"e{n}-1" for n in reversed(range(7))]


async def test_filters_select_by_run_policy_split_phase_state_and_task(store, make):
    await create(store, make(episode="a", policy="p1", split="train", phase="collect", task_id="1"))
    await create(store, make(episode="b", policy="p2", split="heldout", phase="evaluate", task_id="2"))
    await create(store, make(episode="c", run="evaluations/v1", policy="p2", task_id="2"))
    for filters, wanted in (
        ({"parent": "iterations/i1"}, "ba"),
        ({"parent": "evaluations/v1"}, "c"),
        ({"policy": "p2"}, "cb"),
        ({"split": "train"}, "a"),
        ({"phase": "evaluate"}, "b"),
        ({"task_id": "2", "parent": "iterations/i1"}, "b"),
        ({"state": FAILED}, ""),
    ):
        answer = await page(store, **filters)
        assert "".join(t.name.rsplit("/", 1)[1][0] for t in answer.trajectories) == wanted, filters


async def test_pages_with_steps_stay_below_the_message_limit_and_lose_nothing(store, make):
    for n in range(8):
        big = make(episode=f"e{n}")
        big.steps[0].observation = chr(97 + n) * 900_000
        await create(store, big)
    names, sizes, token = [], [], ""
    while True:
        answer = await page(store, with_steps=True, page_token=token)
        names += [t.name for t in answer.trajectories]
        sizes.append(answer.ByteSize())
        assert all(len(t.steps) == 2 for t in answer.trajectories)
        if not (token := answer.next_page_token):
            break
    assert len(names) == len(set(names)) == 8
    assert len(sizes) > 1
    assert max(sizes) < 3.2 * 1024 * 1024


async def test_too_large_a_page_is_coerced_and_a_negative_one_refused(store, make):
    await create(store, make())
    assert len((await page(store, page_size=10**6)).trajectories) == 1
    with pytest.raises(InvalidArgument, match="page_size"):
        await page(store, page_size=-1)


async def test_a_token_of_another_query_is_refused(store, make):
    for n in range(3):
        await create(store, make(episode=f"e{n}"))
    token = (await page(store, page_size=1)).next_page_token
    with pytest.raises(InvalidArgument, match="page_token"):
        await page(store, page_size=1, page_token=token, policy="p")
    with pytest.raises(InvalidArgument, match="page_token"):
        await page(store, page_token="%%%")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"name": "iterations/i1/trajectories/../../x"}, "resource name|form"),
        ({"name": "iterations/i1/trajectories/e2-1"}, "must be iterations/i1/trajectories/e1-1"),
        ({"episode": "iterations/i2/episodes/e1"}, "must be iterations/i2"),
        ({"name": "suites/i1/trajectories/e1-1"}, "form iterations"),
        ({"state": pb.Trajectory.STATE_UNSPECIFIED}, "state"),
        ({"attempt": 0}, "attempt"),
        ({"reward": 2.0}, "reward"),
        ({"reward": float("nan")}, "reward"),
    ],
)
async def test_a_malformed_trajectory_is_refused_with_the_field(store, make, change, says):
    bad = make()
    for field, value in change.items():
        setattr(bad, field, value)
    with pytest.raises(InvalidArgument, match=says):
        await create(store, bad)
    assert (await page(store)).total_size == 0


async def test_unknown_and_malformed_names_are_told_apart(store):
    with pytest.raises(NotFound, match="iterations/i1/trajectories/none-1"):
        await store.GetTrajectory(pb.GetTrajectoryRequest(name="iterations/i1/trajectories/none-1"))
    with pytest.raises(InvalidArgument):
        await store.GetTrajectory(pb.GetTrajectoryRequest(name="trajectories/none"))
    with pytest.raises(InvalidArgument, match="not a run"):
        await page(store, parent="runs/1")
