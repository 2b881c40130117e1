"""Rows as token ids, and which rows make which batch.

Invariant: prompt and response are encoded apart, as serving does, so the boundary is exact; only the response and
the end token behind it are learnt. The batches of an epoch depend on the seed, the epoch and the lengths alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Example:
    """A row: the prompt's tokens, then the response's and the end token."""

    token_ids: list[int]
    num_response: int


def encode(
    prompts: Sequence[str], responses: Sequence[str], tokenizer: Any, max_tokens: int
) -> Iterator[Example | None]:
    """Rows as tokens; a long prompt loses its start. None where the response alone is too long."""
    whole = tokenizer(list(prompts), add_special_tokens=not tokenizer.chat_template, verbose=False).input_ids
    ends = tokenizer(list(responses), add_special_tokens=False, verbose=False).input_ids
    for before, response in zip(whole, ends, strict=True):
        learnt = [*response, tokenizer.eos_token_id]
        room = max_tokens - len(learnt)
        yield Example([*before[-room:], *learnt], len(learnt)) if room > 0 and before else None


def order(lengths: np.ndarray[Any, Any], size: int, seed: int, epoch: int, *, by_length: bool) -> list[torch.Tensor]:
    """An epoch's batches as row numbers. Rows of like length come together where padding costs something."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    shuffled = torch.randperm(len(lengths), generator=generator)
    if not by_length:
        return list(torch.split(shuffled, size))
    ascending = torch.from_numpy(np.argsort(lengths[shuffled.numpy()], kind="stable"))
    batches = torch.split(shuffled[ascending], size)
    return [batches[place] for place in torch.randperm(len(batches), generator=generator).tolist()]


def pieces(rows: Sequence[Example], num_rows: int, num_tokens: int) -> Iterator[Sequence[Example]]:
    """A batch in forward passes of at most so many rows and, but for a single row, tokens; 0 is no limit."""
    start = total = 0
    for place, row in enumerate(rows):
        full = (num_rows and place - start == num_rows) or (num_tokens and total + len(row.token_ids) > num_tokens)
        if full and place > start:
            yield rows[start:place]
            start, total = place, 0
        total += len(row.token_ids)
    yield rows[start:]
