"""One request while it is computed: its tokens so far, its own random numbers, and when it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from typing import Literal

import torch

from services.serving.adapters.constraining import Constraint
from services.serving.ports import Completion, Sampling

Decode = Callable[[Iterable[int]], str]


class Row:
    """A prompt and the response that grows behind it. Used by the worker thread only, once submitted."""

    def __init__(
        self,
        adapter: str,
        prompt: list[int],
        sampling: Sampling,
        context_tokens: int,
        constraint: Constraint | None = None,
    ) -> None:
        self.adapter = adapter
        self.prompt = prompt
        self.sampling = sampling
        self.constraint = constraint
        self.max_new_tokens = min(sampling.max_new_tokens, context_tokens - len(prompt))
        self.future: Future[Completion] = Future()
        self.token_ids: list[int] = []
        self.logprobs: list[float] = []
        self._submitted = time.perf_counter()
        self._taken_up = self._submitted
        self._uniforms: list[float] = []
        if sampling.temperature > 0:
            generator = torch.Generator().manual_seed(sampling.seed % 2**63)
            drawn = torch.rand(self.max_new_tokens, generator=generator, dtype=torch.float64)
            self._uniforms = drawn.tolist()
        # A token is at least a byte, so a stop string lies within so many last tokens.
        self._stop_window = max((len(stop.encode()) for stop in sampling.stop), default=0) + 4

    @property
    def num_tokens(self) -> int:
        """Prompt and response."""
        return len(self.prompt) + len(self.token_ids)

    def uniform(self) -> float:
        """This request's own random number for its next token, in [0, 1)."""
        return self._uniforms[len(self.token_ids)]

    def take_up(self) -> None:
        """The end of waiting."""
        self._taken_up = time.perf_counter()

    def append(self, token: int, logprob: float, ends: frozenset[int], decode: Decode) -> bool:
        """Add a token; True when that was the last, and the request was answered."""
        self.token_ids.append(token)
        if self.constraint is not None:
            self.constraint.write(token)
        self.logprobs.append(logprob)
        if token in ends:
            self._finish(decode(self.token_ids[:-1]), "stop")
            return True
        if self.sampling.stop:
            tail = decode(self.token_ids[-self._stop_window :])
            if any(stop in tail for stop in self.sampling.stop):
                self._finish(cut_at(decode(self.token_ids), self.sampling.stop), "stop")
                return True
        if len(self.token_ids) == self.max_new_tokens:
            self._finish(decode(self.token_ids), "length")
            return True
        return False

    def _finish(self, text: str, reason: Literal["stop", "length"]) -> None:
        queue_s, compute_s = self._taken_up - self._submitted, time.perf_counter() - self._taken_up
        try:
            self.future.set_result(Completion(text, reason, self.token_ids, self.logprobs, queue_s, compute_s))
        except InvalidStateError:  # cancelled in this moment; nobody waits
            return

    def fail(self, error: BaseException) -> None:
        """Answer with an error."""
        try:
            self.future.set_exception(error)
        except InvalidStateError:
            return


def cut_at(text: str, stops: tuple[str, ...]) -> str:
    """The text up to the first stop string in it."""
    return text[: min((place for stop in stops if (place := text.find(stop)) >= 0), default=len(text))]


def ended_text(
    tokens: list[int], finish_reason: str, stop_reason: object, stops: tuple[str, ...], decode: Decode
) -> str:
    """The text of vLLM's tokens; its `stop_reason` is the stop string that was met, no string for an end token."""
    if isinstance(stop_reason, str):
        return cut_at(decode(tokens), stops)
    return decode(tokens[:-1] if finish_reason == "stop" else tokens)
