"""Who decides: a model behind the serving room, the trivial agent, or an environment's expert.

Invariant: an agent sees a View and nothing else of the task; only the expert knows its script beforehand.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ratchet.browser.v1.browser_service_pb2 import Observation
from ratchet.rollout.v1 import rollout_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from services.common import prompts
from services.common.errors import InvalidArgument
from services.common.prompts.view import Thought
from services.common.rpc import admitted, keyed

if TYPE_CHECKING:
    from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceAsyncStub


@dataclass(frozen=True)
class Decision:
    """A response and what it cost. Seconds; token counts are 0 for agents without a model."""

    response: str
    prompt: str = ""
    num_prompt_tokens: int = 0
    num_response_tokens: int = 0
    queue_s: float = 0.0
    compute_s: float = 0.0
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)


class Agent(Protocol):
    """Decides the next action."""

    format: prompts.PromptFormat

    async def decide(self, view: prompts.View, observation: Observation, index: int) -> Decision:
        """The response at step `index`. Raises RatchetError when the machinery fails; cancellable."""


class ModelAgent:
    """A policy behind ServingService."""

    def __init__(
        self,
        serving: ServingServiceAsyncStub,
        request: pb.RunEpisodeRequest,
        model: serving_pb.Model,
        timeout_s: float,
    ) -> None:
        self.format = prompts.named(request.agent.prompt_format or model.prompt_format)
        self._serving, self._request, self._model, self._timeout_s = serving, request, model, timeout_s
        room = model.context_tokens - self.format.max_new_tokens - self.format.reserved_tokens
        if room < 64:
            raise InvalidArgument(
                f"{model.name} has a context of {model.context_tokens} tokens, too short for the prompt format; "
                "choose prompt_format = brief in its ratchet.json"
            )
        # Attempts at one task see the same first pages, and its objective on all of them.
        self._affinity = hashlib.sha256(request.task_json.encode()).hexdigest()[:16]
        self._max_observation_tokens = min(self.format.max_observation_tokens, room)

    async def decide(self, view: prompts.View, observation: Observation, index: int) -> Decision:
        return await self.draw(view, index)

    async def draw(self, view: prompts.View, index: int, ballot: int = 0, temperature: float | None = None) -> Decision:
        """One response, at the request's temperature unless told; another `ballot` is another draw at the same step."""
        agent = self._request.agent
        request = serving_pb.GenerateRequest(
            model=agent.model,
            adapter=agent.adapter,
            parts=[
                serving_pb.PromptPart(**part._asdict())
                for part in self.format.build(view, self._max_observation_tokens)
            ],
            max_new_tokens=self.format.max_new_tokens,
            temperature=agent.temperature if temperature is None else temperature,
            seed=self._seed(index, ballot),
            stop=self.format.stop,
            affinity=self._affinity,
            regex=self.format.regex if agent.constrained else "",
        )
        tries = itertools.count()

        def call(left_s: float) -> Awaitable[serving_pb.GenerateResponse]:
            metadata = keyed(self._affinity, next(tries))
            return self._serving.Generate(request, timeout=left_s, metadata=metadata)

        reply = await admitted(call, self._timeout_s)
        return Decision(
            response=reply.text,
            prompt=reply.prompt,
            num_prompt_tokens=reply.num_prompt_tokens,
            num_response_tokens=reply.num_response_tokens,
            queue_s=reply.queue_s,
            compute_s=reply.compute_s,
            token_ids=list(reply.response_token_ids),
            logprobs=list(reply.response_logprobs),
        )

    def _seed(self, index: int, ballot: int) -> int:
        # From the episode's last part: the same tasks and seed give the same draws in another iteration.
        episode = self._request.episode.rpartition("/")[2]
        text = f"{self._request.seed}/{episode}/{index}" + (f"/{ballot}" if ballot else "")
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


class TrivialAgent:
    """Always gives up: the score that every other one is read against."""

    def __init__(self, prompt_format: prompts.PromptFormat) -> None:
        self.format = prompt_format

    async def decide(self, view: prompts.View, observation: Observation, index: int) -> Decision:
        return Decision(response=self.format.phrase(Thought("", "stop [N/A]")))


class ExpertAgent:
    """Follows the script that the environment made with the task, through the same observations and actions."""

    def __init__(self, moves: list[dict[str, Any]], prompt_format: prompts.PromptFormat) -> None:
        self.format, self._moves = prompt_format, moves

    async def decide(self, view: prompts.View, observation: Observation, index: int) -> Decision:
        parts = self.format.build(view, self.format.max_observation_tokens)
        prompt = "".join(part.text for part in parts)
        if index >= len(self._moves):
            return Decision(response="the script has ended", prompt=prompt)
        return Decision(response=self.format.phrase(_thought(self._moves[index], observation)), prompt=prompt)


def _thought(move: dict[str, Any], observation: Observation) -> Thought:
    match move["kind"]:
        case "click" | "fill":
            number = _find(move, observation)
            named = f"{move['name']} [{number}]"
            if move["kind"] == "click":
                return Thought(named, f"click [{number}]")
            return Thought(named, f"type [{number}] [{move['text']}] [{int(move['enter'])}]")
        case "press":
            return Thought(move["keys"], f"press [{move['keys']}]")
        case "scroll":
            return Thought(move["direction"], f"scroll [{move['direction']}]")
        case "goto":
            return Thought(move["url"], f"goto [{move['url']}]")
        case "back":
            return Thought("back", "go_back")
        case "stop":
            return Thought(move["source"] or move["answer"], f"stop [{move['answer']}]")
    raise InvalidArgument(f"an expert's move of the unknown kind {move['kind']!r}")


def _find(move: dict[str, Any], observation: Observation) -> int:
    """Id of the nth element with the move's role and name; -1, which no page has, when it is missing."""
    found = [e.id for e in observation.elements if e.role == move["role"] and e.name == move["name"]]
    return found[move.get("nth", 0)] if len(found) > move.get("nth", 0) else -1
