"""The three mixtures, with the packaged model writing the synthetic rows."""

from __future__ import annotations

import io
from collections import Counter

import pyarrow.parquet as pq
import pytest

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common import prompts
from services.common.errors import NotFound
from services.curation.synthesis import checks

INTENTS = ("What is the price of the kettle?", "Close the issue about the parser", "Who wrote the article on moss?")


@pytest.fixture
async def rooms(open_rooms, attempt):
    """With six attempts of two steps each: twelve in-domain rows."""
    async with open_rooms(model="ratchet-tiny") as found:
        for task in range(6):
            made = attempt(task, "click [1]", "stop [x]", intent=INTENTS[task % 3])
            await found.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=made))
        yield found


async def curate(rooms, mixture, **fields):
    given = {"parents": ["iterations/i1"], "rows": "paper", "validation_fraction": 0.1, "seed": 42, "world_seed": 3}
    answer = await rooms.curation.CurateDataset(pb.CurateDatasetRequest(mixture=mixture, **(given | fields)))
    dataset = (await rooms.store.GetDataset(trajectory_pb.GetDatasetRequest(name=answer.dataset))).dataset
    chunks = [answer.chunk async for answer in rooms.store.GetBlob(trajectory_pb.GetBlobRequest(name=dataset.blob))]
    return answer, pq.read_table(io.BytesIO(b"".join(chunks))).to_pylist()


async def test_the_mixtures_have_the_papers_sizes_and_sides_and_the_policys_own_answers(rooms):
    with pytest.raises(NotFound, match="adapter"):
        await curate(rooms, "C", adapter="0" * 64)
    _, alone = await curate(rooms, "A")
    answer, both = await curate(rooms, "B")
    other, synthetic = await curate(rooms, "C")
    sides = Counter((row["source"], row["split"]) for row in both)
    assert sides == {("in-domain", "train"): 10, ("in-domain", "validation"): 2, ("synthetic", "train"): 12}
    assert [row for row in both if row["source"] == "in-domain"] == alone
    assert Counter(row["split"] for row in synthetic) == {"train": 11, "validation": 1}
    assert [row["response"] for row in synthetic] == [row["response"] for row in both[12:]]
    for row in synthetic:
        action = checks.action_of(row["response"], prompts.named("brief"))
        page = row["prompt"].partition("PAGE:\n")[2].partition("\nURL: ")[0]
        checks.check_on_page(action, checks.elements(page), row["prompt"])
        assert row["trajectory"].startswith(f"synthetic/{answer.card['synthesis']['key']}/")
    told = answer.card["synthesis"]
    assert (told["writer"], told["model"], told["num_rows"]) == ("grammar", "ratchet-tiny", 12)
    assert "grammar" in told["about"]
    assert -1 < told["highest_cosine"] < 0.7
    assert dict(other.card["synthesis"]) == dict(told)
    assert dict(answer.card["sources"]) == {"in-domain": 12, "synthetic": 12}
