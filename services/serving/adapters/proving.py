"""Whether a model's batched, cached decoding says what the model says, tried once before it serves.

Invariant: an architecture whose attention the slab cannot carry (a recurrent state, a window cut short) is refused at
the start, instead of answering wrongly.
"""

from __future__ import annotations

from typing import Any

import torch

from services.common.errors import FailedPrecondition
from services.serving.adapters.decoding import Group
from services.serving.adapters.rows import Row
from services.serving.ports import Sampling

_LENGTHS = (24, 9, 17)
_NUM_NEW = 6


class DecodingUnsound(FailedPrecondition):
    """Rows that are decoded together do not get what the model gives to each alone."""

    reason = "DECODING_UNSOUND"


@torch.inference_mode()
def prove(model: Any, group: Group, vocabulary: int) -> None:
    """Decode rows of unlike lengths, the last joining late, and compare with whole passes. Raises DecodingUnsound."""
    rows = [
        Row("", [(index * 31 + place * 7) % vocabulary for place in range(length)], Sampling(_NUM_NEW), 10**6)
        for index, length in enumerate(_LENGTHS)
    ]
    try:
        for row in rows:
            group.admit(model, row)
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
