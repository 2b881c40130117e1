"""What the serving room needs of the world: an engine that generates, and its tokenizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from services.common.errors import InvalidArgument


@dataclass(frozen=True)
class Message:
    """One chat message: role is "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Model:
    """The base model that an engine runs."""

    name: str
    uri: str
    # Digest of the weights; empty where it is unknown.
    revision: str
    num_parameters: int
    context_tokens: int
    prompt_format: str
    observation_format: str


@dataclass(frozen=True)
class Sampling:
    """How a response is drawn. Temperature 0 is greedy; the seed is this request's own."""

    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0
    stop: tuple[str, ...] = ()
    # The whole response matches it; "" leaves it free.
    regex: str = ""


class RegexRefused(InvalidArgument):
    """The engine cannot read the regular expression of a request."""

    reason = "REGEX_REFUSED"


@dataclass(frozen=True)
class Completion:
    """A response: its text without end mark and stop string, and every token that was generated for it."""

    text: str
    finish_reason: Literal["stop", "length"]
    token_ids: list[int]
    # Natural logarithms, by the model's own distribution (temperature 1); with a regex, over the tokens that it leaves.
    logprobs: list[float]
    # Seconds before its prompt was taken up, and from then to the last token.
    queue_s: float
    compute_s: float


class Tokenizer(Protocol):
    """Text to tokens, as the engine's model wants it."""

    async def cut(self, text: str, max_tokens: int) -> str:
        """The longest start of the text that is at most so many tokens."""
        ...

    def chat(self, messages: Sequence[Message]) -> str | None:
        """The prompt by the model's chat template; None when it has none. Raises InvalidArgument."""
        ...

    async def encode(self, prompt: str) -> list[int]:
        """Token ids of a whole prompt, with the start mark where the model wants one."""
        ...


class Engine(Protocol):
    """A model in memory. Every method is safe to call from many tasks at once."""

    @property
    def model(self) -> Model:
        """The base; known once started."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """The base's tokenizer; known once started."""
        ...

    async def start(self) -> None:
        """Load the base. Raises ModelNotFound, FailedPrecondition."""
        ...

    async def stop(self) -> None:
        """Fail what is running with Unavailable, and free the memory. Idempotent."""
        ...

    async def generate(self, adapter: str, prompt: list[int], sampling: Sampling, affinity: str = "") -> Completion:
        """Complete a prompt with an added adapter ("" is the base). Cancelling frees its place at once.

        Requests of one `affinity` start alike: an engine of several replicas lets one of them answer those.

        Raises RegexRefused, FailedPrecondition where a regex is asked for and responses cannot be constrained, and
        Unavailable when the engine stops meanwhile.
        """
        ...

    async def add_adapter(self, digest: str, directory: Path) -> None:
        """Hold the PEFT adapter of a directory. Idempotent. Raises AdapterMismatch."""
        ...

    async def remove_adapter(self, digest: str) -> None:
        """Let an adapter go that no request uses. Idempotent."""
        ...
