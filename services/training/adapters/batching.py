"""Rows side by side for one forward pass: packed behind one another, or padded to the longest.

Invariant: no row sees another, and either way gives the same loss. Packed, nothing is computed for padding: positions
start again at each row, and attention is done row by row. A model is packed only after it showed that it heeds that.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch.nn import functional

from services.training.adapters.examples import Example

_IGNORED = -100
_PACKED = "ratchet-packed"
# Two losses per token that differ by less are the same, in float32 and in bfloat16.
_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 5e-2}


def packed_inputs(rows: Sequence[Example], device: torch.device) -> tuple[dict[str, Any], torch.Tensor]:
    """What the model takes, and the labels of the positions whose logits it gives."""
    lengths = [len(row.token_ids) for row in rows]
    ends = list(accumulate(lengths))
    kept = [torch.arange(end - row.num_response - 1, end - 1) for end, row in zip(ends, rows, strict=True)]
    learnt = [token for row in rows for token in row.token_ids[-row.num_response :]]
    inputs = {
        "input_ids": torch.tensor([[token for row in rows for token in row.token_ids]], device=device),
        "position_ids": torch.cat([torch.arange(length) for length in lengths]).unsqueeze(0).to(device),
        "logits_to_keep": torch.cat(kept).to(device),
        "row_lengths": lengths,
    }
    return inputs, torch.tensor(learnt, device=device)


def padded_inputs(rows: Sequence[Example], padding: int, device: torch.device) -> tuple[dict[str, Any], torch.Tensor]:
    """The same, padded on the left so that only the last columns need the output layer."""
    width = max(len(row.token_ids) for row in rows)
    learnt = max(row.num_response for row in rows)
    ids = torch.full((len(rows), width), padding, dtype=torch.long)
    mask = torch.zeros(len(rows), width, dtype=torch.bool)
    labels = torch.full((len(rows), learnt + 1), _IGNORED, dtype=torch.long)
    for place, row in enumerate(rows):
        tokens = torch.tensor(row.token_ids)
        ids[place, width - len(tokens) :] = tokens
        mask[place, width - len(tokens) :] = True
        labels[place, learnt - row.num_response : learnt] = tokens[-row.num_response :]
    positions = (mask.long().cumsum(-1) - 1).clamp_(min=0)
    inputs = {
        "input_ids": ids.to(device),
        "attention_mask": mask.to(device),
        "position_ids": positions.to(device),
        "logits_to_keep": learnt + 1,
    }
    return inputs, labels.flatten().to(device)


class Batcher:
    """The loss of a model on rows. `base` is the transformers model inside `model`, whose attention is replaced."""

    def __init__(self, model: Any, base: Any, padding: int, device: torch.device) -> None:
        self._model = model
        self._base = base
        self._padding = padding
        self._device = device
        self.packs = False

    def loss(self, rows: Sequence[Example]) -> torch.Tensor:
        """Cross-entropy of the responses, summed over their tokens, in nats."""
        if self.packs:
            inputs, labels = packed_inputs(rows, self._device)
        else:
            inputs, labels = padded_inputs(rows, self._padding, self._device)
        logits = self._model(**inputs, use_cache=False).logits
        return functional.cross_entropy(logits.float().flatten(0, -2), labels, ignore_index=_IGNORED, reduction="sum")

    def try_packing(self, rows: Sequence[Example], dtype: torch.dtype) -> bool:
        """Pack from now on if these rows have the same loss so, and none of them changes the logits of the next."""
        from transformers import AttentionInterface

        if not getattr(self._base, "_supports_sdpa", False) or not self._base._can_set_attn_implementation():
            return False
        was_training, own = self._model.training, self._base.config._attn_implementation
        num_learnt = sum(row.num_response for row in rows)
        AttentionInterface.register(_PACKED, _attend)
        self._model.eval()
        try:
            with torch.no_grad():
                expected = self.loss(rows).item() / num_learnt
                self._base.set_attn_implementation(_PACKED)
                self.packs = True
                found = self.loss(rows).item() / num_learnt
                self.packs = abs(found - expected) < _TOLERANCE[dtype] * max(1.0, expected) and self._keeps_apart(rows)
        except (TypeError, ValueError, RuntimeError):  # a model with other ideas of its inputs
            self.packs = False
        if not self.packs:
            self._base.set_attn_implementation(own)
        self._model.train(was_training)
        return self.packs

    def _keeps_apart(self, rows: Sequence[Example]) -> bool:
        inputs, _ = packed_inputs(rows, self._device)
        before = self._model(**inputs, use_cache=False).logits[0, rows[0].num_response :]
        ids, num_first = inputs["input_ids"].clone(), len(rows[0].token_ids)
        ids[0, :num_first] = ids[0, :num_first].flip(0)
        after = self._model(**{**inputs, "input_ids": ids}, use_cache=False).logits[0, rows[0].num_response :]
        return torch.allclose(before, after, rtol=0, atol=1e-3 * before.abs().max().item())


def _attend(
    _module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    _mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    sliding_window: int | None = None,
    row_lengths: Sequence[int] = (),
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention of [1, heads, tokens, size] within each row: a block-diagonal mask that is never written out."""
    if unknown := [name for name in ("softcap", "s_aux", "position_bias") if others.get(name) is not None]:
        raise ValueError(f"rows cannot be packed under {', '.join(unknown)}")
    parts = []
    split = [torch.split(tensor, list(row_lengths), dim=2) for tensor in (query, key, value)]
    for one, other, content in zip(*split, strict=True):
        length = one.shape[2]
        mask = None
        if sliding_window and length > sliding_window:
            mask = torch.ones(length, length, dtype=torch.bool, device=one.device).tril().triu(1 - sliding_window)
        parts.append(
            functional.scaled_dot_product_attention(
                one,
                other,
                content,
                attn_mask=mask,
                dropout_p=dropout,
                is_causal=mask is None,
                scale=scaling,
                enable_gqa=one.shape[1] != other.shape[1],
            )
        )
    return torch.cat(parts, dim=2).transpose(1, 2), None
