"""Responses that match a regular expression, by llguidance, the library that vLLM constrains them with.

Invariant: a row may write exactly the tokens that leave a match possible.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from services.common.errors import FailedPrecondition
from services.serving.adapters.grammar import guided
from services.serving.ports import RegexRefused

if TYPE_CHECKING:
    from llguidance import LLMatcher

_BITS = torch.arange(8, dtype=torch.uint8)


class CannotConstrain(FailedPrecondition):
    """A response was to match a regular expression."""

    reason = "CANNOT_CONSTRAIN"


class Constraint:
    """What one row may write next. Used by one thread at a time."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher

    def allowed(self) -> torch.Tensor:
        """Whether each token of the vocabulary may come next; at the end, the end token alone."""
        packed = torch.frombuffer(bytearray(self._matcher.compute_bitmask()), dtype=torch.uint8)
        return (packed[:, None] >> _BITS & 1).flatten().bool()

    def write(self, token: int) -> None:
        """Go on behind a token that was allowed."""
        self._matcher.consume_token(token)


class Grammars:
    """Constraints for one model's tokenizer. Making them blocks, the first one for up to a second."""

    def __init__(self, tokenizer: Any, num_tokens: int, ends: Sequence[int]) -> None:
        self._tokenizer, self._num_tokens, self._ends = tokenizer, num_tokens, list(ends)
        self._known: Any = None

    def begin(self, regex: str) -> Constraint:
        """A constraint for a new response. Raises RegexRefused, CannotConstrain."""
        if importlib.util.find_spec("llguidance") is None:
            raise CannotConstrain(
                "this engine constrains responses with llguidance, which is not installed: pip install "
                "'ratchet-agent[serving]', or leave regex empty"
            )
        from llguidance import LLMatcher, hf

        if self._known is None:
            try:
                self._known = hf.from_tokenizer(self._tokenizer, self._num_tokens, self._ends)
            except ValueError as error:
                raise CannotConstrain(f"no response of this tokenizer can be constrained: {error}") from error
        matcher = LLMatcher(self._known, guided(regex), log_level=0)
        if matcher.is_error():
            why = matcher.get_error()
            raise RegexRefused(f"the regex cannot be read: {why}; write it as Rust's regex does")
        return Constraint(matcher)
