"""Attempts that the filter turns down, told as attempts at what they did reach; the model is a script."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from ratchet.serving.v1 import serving_service_pb2_grpc as serving_grpc
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.rpc import Mount

PAGE = "[1] link 'Kettle'\n[2] link 'Toaster'\nStaticText '$12.99'\nStaticText '$40.00'"
KETTLE, TOASTER, OVEN = "What does the Kettle cost?", "What does the Toaster cost?", "What does the oven cost?"


class Teller(serving_grpc.ServingServiceServicer):
    """Echoes prompts that it renders; asked what was reached it answers as it was told to."""

    def __init__(self, prompt_format: str, answer: str = "") -> None:
        self.prompt_format, self.answer, self.asked = prompt_format, answer, []
        self.called = ""

    async def GetModel(self, request, context):
        model = serving_pb.Model(name="teller", context_tokens=8192, prompt_format=self.prompt_format)
        return serving_pb.GetModelResponse(model=model)

    async def Generate(self, request, context):
        prompt = "".join(part.text for part in request.parts)
        self.called += "w" if request.max_new_tokens > 1 else "r"
        if request.max_new_tokens > 1:
            self.asked.append(prompt)
        return serving_pb.GenerateResponse(text=self.answer, prompt=prompt, finish_reason=serving_pb.FINISH_REASON_STOP)


async def curate(open_rooms, attempt, teller, **fields):
    """Two tasks with three attempts each, one of which ends otherwise; gives the card's part and the rows."""
    mount = Mount(serving_grpc.add_ServingServiceServicer_to_server, teller, "ratchet.serving.v1.ServingService")
    ways = {
        (1, KETTLE): (("1", "$12.99"), ("1", "$12.99"), ("2", "$40.00")),
        (2, TOASTER): (("2", "$40.00"), ("2", "$40.00"), ("1", "$12.99")),
        # Refused by the page, and so of no use; given up, likewise.
        (3, OVEN): (("2", "$40.00"), ("1", "N/A")),
    }
    async with open_rooms(model=mount, parallel_examples=1) as rooms:
        for (task, intent), tries in ways.items():
            for n, (element, answer) in enumerate(tries):
                actions = f"click [{element}]", f"stop [{answer}]"
                end = {"final_url": f"http://shop.test/{element}", "answer": answer}
                made = attempt(task, *actions, n=n, intent=intent, **end)
                for step in made.steps:
                    step.url, step.observation = f"http://shop.test/{element}", PAGE
                    step.response_logprobs.append(-0.1)
                if intent == OVEN:
                    made.steps[0].error = "[2] is covered by a dialog"
                await rooms.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=made))
        asked = {"parents": ["iterations/i1"], "mixture": "A", "rows": "all", "filter": "agreement", "hindsight": True}
        answer = await rooms.curation.CurateDataset(pb.CurateDatasetRequest(**(asked | {"precedence": "all"} | fields)))
        dataset = (await rooms.store.GetDataset(trajectory_pb.GetDatasetRequest(name=answer.dataset))).dataset
        chunks = [one.chunk async for one in rooms.store.GetBlob(trajectory_pb.GetBlobRequest(name=dataset.blob))]
    return dict(answer.card["hindsight"]), pq.read_table(io.BytesIO(b"".join(chunks))).to_pylist()


async def test_a_model_that_writes_names_what_an_attempt_reached(open_rooms, attempt):
    teller = Teller("webarena-cot", "OBJECTIVE: Find the price of that thing")
    told, rows = await curate(open_rooms, attempt, teller)
    assert (told["writer"], told["num_usable"], told["num_relabelled"]) == ("prompted", 2, 2)
    relabelled = [row for row in rows if row["source"] == "hindsight"]
    assert [row["step"] for row in relabelled] == [0, 1, 0, 1]
    assert all("OBJECTIVE: Find the price of that thing" in row["prompt"] for row in relabelled)
    assert "click [2] where the element is link 'Toaster'" in relabelled[1]["prompt"]
    assert all(
        "1. click [" in asked and "where the element is link" in asked and PAGE in asked for asked in teller.asked
    )
    assert sum(row["source"] == "in-domain" for row in rows) == 4
    assert teller.called == "wrr" * 2, "written and rendered in no greater number at once than is set"


async def test_an_answer_without_one_objective_is_refused_and_counted(open_rooms, attempt):
    told, rows = await curate(open_rooms, attempt, Teller("webarena-cot", "It looked at prices."))
    assert (told["num_relabelled"], dict(told["refused"])) == (0, {"objective_format": 2})
    assert {row["source"] for row in rows} == {"in-domain"}


async def test_a_model_too_small_to_write_takes_the_objective_that_ended_alike(open_rooms, attempt):
    teller = Teller("brief")
    told, rows = await curate(open_rooms, attempt, teller)
    assert (told["writer"], told["num_relabelled"]) == ("endings", 2)
    assert not teller.asked
    by_attempt = {(row["trajectory"], row["step"]): row["prompt"] for row in rows if row["source"] == "hindsight"}
    assert f"OBJECTIVE: {TOASTER}\nPREVIOUS: none" in by_attempt["iterations/i1/trajectories/e1-2-1", 0]
    assert f"OBJECTIVE: {KETTLE}\nPREVIOUS: click link 'Kettle'" in by_attempt["iterations/i1/trajectories/e2-2-1", 1]


@pytest.mark.parametrize("seed", [1, 2])
async def test_no_objective_that_is_validated_on_is_trained_on(open_rooms, attempt, seed):
    _, rows = await curate(open_rooms, attempt, Teller("brief"), validation_fraction=0.5, seed=seed)
    (validated,) = {row["trajectory"].split("/e")[-1][0] for row in rows if row["split"] == "validation"}
    hindsight = [row for row in rows if row["source"] == "hindsight"]
    # The other task's attempt, told as one at the task that is validated on, is left out.
    assert [row["trajectory"].split("/e")[-1][0] for row in hindsight] == [validated] * 2
    assert all(row["split"] == "train" for row in hindsight)
