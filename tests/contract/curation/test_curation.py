"""From stored attempts to a stored dataset, over gRPC."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument
from services.curation.errors import TooFewRows

GOOD = ("click [1]", "type [2] [kettle] [1]", "scroll [down]", "click [9]", "stop [$12.99]")


async def create(rooms, *attempts):
    for trajectory in attempts:
        await rooms.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=trajectory))


async def curate(rooms, **fields):
    given = {"parents": ["iterations/i1"], "mixture": "A", "rows": "paper", "validation_fraction": 0.1, "seed": 42}
    return await rooms.curation.CurateDataset(pb.CurateDatasetRequest(**(given | fields)))


async def read(rooms, name):
    dataset = (await rooms.store.GetDataset(trajectory_pb.GetDatasetRequest(name=name))).dataset
    chunks = [answer.chunk async for answer in rooms.store.GetBlob(trajectory_pb.GetBlobRequest(name=dataset.blob))]
    return dataset, pq.read_table(io.BytesIO(b"".join(chunks))).to_pylist()


async def test_plausible_attempts_become_a_stored_dataset_with_its_card(rooms, attempt):
    await create(rooms, *(attempt(task, *GOOD, reward=task % 2) for task in range(10)))
    await create(rooms, attempt(20, *GOOD[:3], stop_reason="max_steps", reward=0), attempt(21, "stop [N/A]", reward=1))
    answer = await curate(rooms)
    assert (answer.num_plausible, answer.num_train_rows, answer.num_validation_rows) == (10, 27, 3)
    dataset, found = await read(rooms, answer.dataset)
    assert dataset.blob.removeprefix("blobs/").startswith(answer.dataset.removeprefix("datasets/"))
    assert list(found[0]) == ["prompt", "response", "split", "trajectory", "step", "source"]
    assert {row["trajectory"].rsplit("/", 1)[1] for row in found} == {f"e{task}-1-1" for task in range(10)}
    assert sum(row["split"] == "validation" for row in found) == 3
    filtered = answer.card["filter"]["iterations/i1"]
    assert (filtered["num_trajectories"], filtered["num_rewarded"], filtered["precision"]) == (12, 6, 0.5)
    assert dict(filtered["broken_rules"]) == {"early_stop": 1, "gave_up": 1}
    assert dataset.card == answer.card


async def test_the_same_request_gives_the_same_dataset_and_another_seed_another(rooms, attempt):
    await create(rooms, *(attempt(task, *GOOD) for task in range(8)))
    one, two, other = await curate(rooms), await curate(rooms), await curate(rooms, seed=43)
    assert one == two
    assert one.dataset != other.dataset
    listed = await rooms.store.ListDatasets(trajectory_pb.ListDatasetsRequest())
    assert [dataset.name for dataset in listed.datasets] == [other.dataset, one.dataset]


async def test_all_rows_take_every_step(rooms, attempt):
    await create(rooms, *(attempt(task, *GOOD) for task in range(4)))
    answer = await curate(rooms, rows="all", validation_fraction=0.25)
    assert (answer.num_train_rows, answer.num_validation_rows) == (15, 5)


async def test_the_first_parent_wins_per_task(rooms, attempt):
    await create(rooms, attempt(1, "stop [a]"), attempt(2, "click [1]", stop_reason="max_steps"))
    other = {"run": "iterations/i2"}
    await create(rooms, attempt(1, "stop [b]", **other), attempt(2, "stop [c]", **other))
    answer = await curate(rooms, parents=["iterations/i1", "iterations/i2"], validation_fraction=0.5)
    _, found = await read(rooms, answer.dataset)
    assert {row["prompt"] for row in found} == {"iterations/i1 1 1 0", "iterations/i2 2 1 0"}


async def test_only_the_phase_asked_for_is_taken(rooms, attempt):
    await create(rooms, *(attempt(task, *GOOD) for task in range(3)))
    with pytest.raises(TooFewRows):
        await curate(rooms, phase="evaluate-base")
    assert (await curate(rooms, phase="collect")).num_plausible == 3


async def test_nothing_plausible_is_told_with_counts_and_what_to_do(rooms, attempt):
    await create(rooms, *(attempt(task, "click [1]", stop_reason="max_steps") for task in range(4)))
    with pytest.raises(TooFewRows, match=r"0 plausible of 4.*early_stop 4.*attempts per task") as caught:
        await curate(rooms)
    assert caught.value.metadata == {"num_trajectories": "4", "num_plausible": "0", "num_rows": "0"}


async def test_one_attempt_is_too_few_to_train_and_to_validate_on(rooms, attempt):
    await create(rooms, attempt(1, *GOOD))
    with pytest.raises(TooFewRows, match="3 rows from 1 plausible"):
        await curate(rooms)
    assert (await curate(rooms, validation_fraction=0)).num_train_rows == 3


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"parents": []}, "parents"),
        ({"parents": ["iterations/i1"] * 2}, "twice"),
        ({"parents": ["suites/x"]}, "not a run"),
        ({"mixture": "B", "world_seed": -1}, "world_seed"),
        ({"mixture": "Z"}, "mixture"),
        ({"rows": "some"}, "rows"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"validation_fraction": float("nan")}, "validation_fraction"),
    ],
)
async def test_a_request_that_makes_no_sense_names_the_field(rooms, fields, says):
    with pytest.raises(InvalidArgument, match=says):
        await curate(rooms, **fields)
