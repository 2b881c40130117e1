"""A model that can invent, over gRPC: here its replies are a script, so that every check meets its own fault."""

from __future__ import annotations

import io
import re
from collections import Counter

import pyarrow.parquet as pq
import pytest

from ratchet.curation.v1 import curation_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from ratchet.serving.v1 import serving_service_pb2_grpc as serving_grpc
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.rpc import Mount
from services.curation.errors import TooFewSynthetic

PAGE = "[{n}] link 'Cabins'\n[{m}] button 'Book'\n[9] textbox 'Name' required: True\nStaticText 'From 20 euros'"
THOUGHT = "Let's think step-by-step. {}. In summary, the next action I will perform is ```{}```"
TOPICS = (
    "Book a cabin on the night ferry to Gotland",
    "Find the opening hours of the dental surgery",
    "Renew my library loan of a cookery book",
    "Report a pothole in Orchard Road",
    "Order a birthday cake with marzipan",
    "Compare interest rates of savings accounts",
    "Enrol my daughter in the chess club",
    "Check the snow depth on the glacier",
)


class Scribe(serving_grpc.ServingServiceServicer):
    """Answers by what it is asked; the first answer to each question is wrong in a way of its own."""

    def __init__(self, mute: str = "") -> None:
        self.mute = mute
        self.asked: Counter[str] = Counter()
        self.objectives: list[str] = []
        self.prompts: list[str] = []

    async def GetModel(self, request, context):
        model = serving_pb.Model(name="scribe", context_tokens=8192, prompt_format="webarena-cot")
        return serving_pb.GetModelResponse(model=model)

    async def Generate(self, request, context):
        assert (request.model, request.adapter) == ("scribe", "feed")
        prompt = "".join(f"<{part.role}>{part.text}" for part in request.parts)
        if request.max_new_tokens == 1:
            return serving_pb.GenerateResponse(text="L", prompt=prompt, finish_reason=serving_pb.FINISH_REASON_LENGTH)
        self.prompts.append(prompt)
        kind = next(kind for kind, mark in MARKS.items() if mark in prompt)
        self.asked[kind] += 1
        text = self._wrong(kind, prompt) if self.asked[kind] == 1 or kind == self.mute else self._right(kind, prompt)
        cut = serving_pb.FINISH_REASON_LENGTH if text == "cut" else serving_pb.FINISH_REASON_STOP
        return serving_pb.GenerateResponse(text=text, prompt=prompt, finish_reason=cut)

    def _wrong(self, kind: str, prompt: str) -> str:
        before = "None" if "about to take step 1" in prompt else "click [77]"
        faults = {
            "objective": "Here is one: book a ferry",
            "plan": "1. click: the cabins\n2. fly: away",
            "address": "cut",
            "draft": f"PAGE:\n{PAGE.format(n=4, m=5)}\nPREVIOUS ACTION: {before}\nNEXT ACTION:\nI would click it.",
            "page": PAGE.format(n=4, m=40),
        }
        return faults[kind]

    def _right(self, kind: str, prompt: str) -> str:
        if kind == "objective":
            # Every topic twice in a row: the second is too like the first.
            topic = TOPICS[(self.asked[kind] // 2) % len(TOPICS)]
            self.objectives.append(topic)
            return f"WEBSITE: www.site{TOPICS.index(topic)}.test\nOBJECTIVE: {topic}"
        if kind == "plan":
            return "1. click: Cabins\n2. click: Book\n3. stop: it is done"
        if kind == "address":
            return f"http://{re.search(r'WEBSITE: (.*)', prompt)[1]}/cabins"
        step = int(re.search(r"about to take step (\d)", prompt)[1]) if kind == "draft" else 0
        if kind == "draft":
            action = "click [5]" if step < 3 else "stop [20 euros]"
            before = "None" if step == 1 else "click [77] where the element is link 'Cabins'"
            said = THOUGHT.format("The page has it", action)
            return f"PAGE:\n{PAGE.format(n=4, m=5)}\nPREVIOUS ACTION: {before}\nNEXT ACTION:\n{said}"
        return PAGE.format(n=4, m=5)


MARKS = {
    "objective": "Invent one new objective",
    "plan": "Write the steps in which",
    "address": "Write the full address",
    "draft": "is about to take step",
    "page": "Write the whole page again",
}
KEPT = THOUGHT.format("The price is on the page", "stop [$12.99]")


async def curate(rooms, attempt, **fields):
    for task, intent in enumerate(("What does the kettle cost?", "Close the issue about the parser")):
        made = attempt(task, "click [1]", "stop [$12.99]", intent=intent)
        for step in made.steps:
            step.url, step.observation = "http://shop.test/kettle", "[1] link 'Kettle'\nStaticText '$12.99'"
        made.steps[1].response = KEPT
        await rooms.store.CreateTrajectory(trajectory_pb.CreateTrajectoryRequest(trajectory=made))
    given = {"parents": ["iterations/i1"], "mixture": "C", "rows": "paper", "validation_fraction": 0.25}
    asked = pb.CurateDatasetRequest(model="scribe", adapter="feed", **(given | fields))
    return await rooms.curation.CurateDataset(asked)


def served(scribe: Scribe) -> Mount:
    return Mount(serving_grpc.add_ServingServiceServicer_to_server, scribe, "ratchet.serving.v1.ServingService")


async def test_every_fault_is_counted_and_asked_for_again(open_rooms, attempt):
    scribe = Scribe()
    async with open_rooms(model=served(scribe), block=2, parallel_examples=1) as rooms:
        answer = await curate(rooms, attempt)
        dataset = (await rooms.store.GetDataset(trajectory_pb.GetDatasetRequest(name=answer.dataset))).dataset
        chunks = [one.chunk async for one in rooms.store.GetBlob(trajectory_pb.GetBlobRequest(name=dataset.blob))]
    rows = pq.read_table(io.BytesIO(b"".join(chunks))).to_pylist()
    assert Counter(row["split"] for row in rows) == {"train": 3, "validation": 1}
    told = answer.card["synthesis"]
    refused = dict(told["refused"])
    assert refused.pop("similar") == 3
    assert refused == {"objective_format": 1, "plan_format": 1, "cut_off": 1, "no_action": 1, "not_on_page": 1}
    assert (told["writer"], told["adapter"]) == ("prompted", "feed")
    for row in rows:
        _, _, question = row["prompt"].rpartition("<user>OBSERVATION:\n")
        assert row["prompt"].startswith("<system>You are an autonomous agent")
        assert PAGE.format(n=4, m=5) in question
        assert "URL: http://site" in question
        action = re.search("```(.*)```", row["response"])[1]
        assert action == ("stop [20 euros]" if row["step"] == 2 else "click [5]")
        named = "click [77] where the element is link 'Cabins'"
        assert question.endswith(f"PREVIOUS ACTION: {named if row['step'] else 'None'}")
    drafts = [prompt for prompt in scribe.prompts if MARKS["draft"] in prompt]
    assert all(prompt.count("<user>Example\n") == 2 and KEPT in prompt for prompt in drafts)
    assert all("where the element is link 'Kettle'" in prompt for prompt in drafts if KEPT in prompt)


async def test_a_model_that_never_gets_it_right_is_told_by_the_check(open_rooms, attempt):
    async with open_rooms(model=served(Scribe(mute="draft")), block=2, max_drawn_per_row=1) as rooms:
        with pytest.raises(TooFewSynthetic, match=r"0 of 4 synthetic rows.*no_action 16") as caught:
            await curate(rooms, attempt)
    assert caught.value.metadata["num_drawn"] == "4"
