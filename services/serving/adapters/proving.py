"""Whether a model's batched, cached decoding says what the model says, tried once before it serves.

Invariant: an architecture whose attention the slab cannot carry (a recurrent state, a window cut short) is refused at
the start, instead of answering wrongly.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch

from services.common.errors import FailedPrecondition
from services.serving.adapters.decoding import Group
from services.serving.adapters.packing import can_pack
from services.serving.adapters.prefixes import Prefixes
from services.serving.adapters.rows import Row
from services.serving.ports import Sampling

_LENGTHS = (40, 9, 17)
# The last row starts with so many tokens of the first.
_SHARED = 30
_NUM_NEW = 6
# Holds what the trial computes, whatever the model's size.
_CACHE_BYTES = 10**12


class DecodingUnsound(FailedPrecondition):
    """Rows that are decoded together do not get what the model gives to each alone."""

    reason = "DECODING_UNSOUND"


def prove(model: Any, vocabulary: int, device: torch.device) -> bool:
    """Try the model as its rows are computed; whether it reads prompts side by side. Raises DecodingUnsound."""
    if can_pack(model):
        with contextlib.suppress(DecodingUnsound):
            _try(model, vocabulary, device, packs=True)
            return True
    _try(model, vocabulary, device, packs=False)
    return False


@torch.inference_mode()
def _try(model: Any, vocabulary: int, device: torch.device, *, packs: bool) -> None:
    """Decode rows of unlike lengths, some of which join late and share a start, and compare with whole passes."""
    group = Group("", Prefixes(_CACHE_BYTES), frozenset(), lambda _: "", device, packs=packs)
    prompts = [[(index * 31 + place * 7) % vocabulary for place in range(n)] for index, n in enumerate(_LENGTHS)]
    prompts.append([*prompts[0][:_SHARED], *prompts[1]])
    rows = [Row("", prompt, Sampling(_NUM_NEW), 10**6) for prompt in prompts]
    try:
        for joining in (rows[:2], rows[2:]):
            while joining:
                wave, joining = group.wave(joining)
                group.admit(model, wave)
            group.step(model)
        while group.rows:
            group.step(model)
        worst = max(_difference(model, row) for row in rows)
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError) as error:
        raise DecodingUnsound(f"this architecture cannot be decoded in batches here: {error}") from error
    bound = 1e-2 if next(model.parameters()).dtype == torch.float32 else 0.5
    if not worst <= bound:
        raise DecodingUnsound(
            f"decoding in batches differs from the model by {worst:.3g} nats a token (at most {bound} is rounding); "
            "this architecture needs another engine"
        )


def _difference(model: Any, row: Row) -> float:
    device = next(model.parameters()).device
    whole = torch.tensor([[*row.prompt, *row.token_ids]], device=device)
    logits = model(input_ids=whole, use_cache=False).logits[0, len(row.prompt) - 1 : -1].float()
    chosen = torch.tensor(row.token_ids, device=device)
    wanted = torch.log_softmax(logits, -1).gather(-1, chosen[:, None])[:, 0]
    return float((wanted - torch.tensor(row.logprobs, device=device)).abs().max())
