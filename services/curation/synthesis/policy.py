"""The policy that writes: one model with one adapter behind serving.

Invariant: every text of synthesis comes from the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from services.common import prompts
from services.common.errors import FailedPrecondition
from services.common.prompts import Part, View
from services.common.rpc import admitted
from services.curation.synthesis.examples import Refused

_LEAST_TOKENS = 64


class Said(NamedTuple):
    """An answer, and the prompt as the model saw it."""

    text: str
    prompt: str


class Policy:
    """Asks serving. Every method raises Refused for an answer that was cut off, and what serving raises."""

    def __init__(self, serving: Any, model: serving_pb.Model, adapter: str, timeout_s: float) -> None:
        self.model, self.adapter = model, adapter
        self.format = prompts.named(model.prompt_format)
        self._serving, self._timeout_s = serving, timeout_s
        self.page_tokens = min(
            self.format.max_observation_tokens,
            model.context_tokens - self.format.max_new_tokens - self.format.reserved_tokens,
        )
        if self.page_tokens < _LEAST_TOKENS:
            raise FailedPrecondition(
                f"{model.name} has a context of {model.context_tokens} tokens, too short for the prompt format "
                f"{self.format.name!r}; use another model, or mixture A"
            )

    async def act(self, view: View, seed: int, temperature: float) -> Said:
        """What the agent answers to a view."""
        parts = self.format.build(view, self.page_tokens)
        return await self.write(parts, seed, temperature, self.format.max_new_tokens)

    async def render(self, view: View) -> str:
        """The agent's prompt for a view, as the model would see it; costs one token."""
        reply = await self._generate(self.format.build(view, self.page_tokens), 0, 0.0, 1)
        return str(reply.prompt)

    async def write(self, parts: Sequence[Part], seed: int, temperature: float, max_new_tokens: int) -> Said:
        """What the model writes on."""
        reply = await self._generate(parts, seed, temperature, max_new_tokens)
        if reply.finish_reason == serving_pb.FINISH_REASON_LENGTH:
            raise Refused("cut_off", reply.text)
        return Said(reply.text, reply.prompt)

    async def _generate(self, parts: Sequence[Part], seed: int, temperature: float, max_new_tokens: int) -> Any:
        request = serving_pb.GenerateRequest(
            model=self.model.name,
            adapter=self.adapter,
            parts=[serving_pb.PromptPart(**part._asdict()) for part in parts],
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=seed,
            stop=self.format.stop,
        )
        return await admitted(lambda left_s: self._serving.Generate(request, timeout=left_s), self._timeout_s)
