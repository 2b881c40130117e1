"""How a model's agent asks the serving room."""

from __future__ import annotations

import asyncio

from ratchet.rollout.v1 import rollout_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from services.common.errors import ResourceExhausted
from services.common.prompts import View
from services.rollout.agents import ModelAgent


class Full:
    """Refuses once, and remembers what each call was routed by."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def Generate(
        self, request: serving_pb.GenerateRequest, timeout: float, metadata: tuple[tuple[str, str], ...]
    ) -> serving_pb.GenerateResponse:
        self.keys.append(dict(metadata)["x-ratchet-affinity"])
        if len(self.keys) == 1:
            raise ResourceExhausted("full", retry_after_s=0.01)
        return serving_pb.GenerateResponse(text="ACTION: stop [N/A]")


def test_steps_of_a_task_ask_one_process_and_another_only_when_that_is_full() -> None:
    full = Full()
    model = serving_pb.Model(name="m", context_tokens=1024, prompt_format="brief")
    for episode in ("a", "b"):
        request = pb.RunEpisodeRequest(episode=f"evaluations/v/episodes/{episode}", task_json="{}")
        asyncio.run(ModelAgent(full, request, model, 5.0).draw(View("", "http://shop.test/", "wait", ""), 0))
    first, refused, again = full.keys
    assert first == again != refused
