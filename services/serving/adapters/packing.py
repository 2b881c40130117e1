"""Prompts read side by side: the tokens of many behind one another in one pass, a few more for padding.

Invariant: a prompt's tokens attend to those before them in the same prompt and to nothing else. What a prompt shares
with an earlier one is not computed again; attention is done prompt by prompt, the rest of the model for all at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from transformers.cache_utils import Cache, DynamicCache

from services.serving.adapters.slab import Pairs

_PACKED = "ratchet-packed-prompts"
# Every number of tokens is a kernel of its own to oneDNN, which takes as long to make as a pass takes.
_MULTIPLE = 32


class Unread(NamedTuple):
    """A prompt, how many of its first tokens are known, and their keys and values (each [1, head, token, channel])."""

    prompt: list[int]
    num_known: int
    known: Pairs

    @property
    def tokens(self) -> list[int]:
        """What is to be computed; at least one token."""
        return self.prompt[self.num_known :]


def can_pack(model: Any) -> bool:
    """Whether the model lets its attention be replaced; that it then computes the same is for a trial to show."""
    # Both import much, and without need before transformers was prepared (services/common/hugging_face.py).
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    # transformers makes no mask for a name that it knows no mask of.
    AttentionInterface.register(_PACKED, partial(_attend, sdpa_attention_forward))
    return bool(model._supports_sdpa) and bool(model._can_set_attn_implementation())


def read(model: Any, unread: Sequence[Unread], device: torch.device) -> tuple[torch.Tensor, list[Pairs]]:
    """The logits after each prompt ([prompt, vocabulary]), and each one's keys and values, in one pass."""
    cache = _Packed(unread, device)
    ends = list(accumulate(cache.lengths))
    padding = [0] * (-ends[-1] % _MULTIPLE)
    tokens = [token for each in unread for token in each.tokens]
    positions = [position for each in unread for position in range(each.num_known, len(each.prompt))]
    with _attending(model.config):
        out = model(
            input_ids=torch.tensor([tokens + padding], device=device),
            position_ids=torch.tensor([positions + padding], device=device),
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=torch.tensor(ends, device=device) - 1,
            prompts=cache,
        )
    return out.logits[0], [list(pairs) for pairs in zip(*cache.pairs, strict=True)]


def read_alone(model: Any, unread: Unread, device: torch.device) -> tuple[torch.Tensor, list[Pairs]]:
    """The same of one prompt, by the model's own attention."""
    cache = DynamicCache()
    for index, (keys, values) in enumerate(unread.known):
        cache.update(keys, values, index)
    out = model(
        input_ids=torch.tensor([unread.tokens], device=device),
        position_ids=torch.arange(unread.num_known, len(unread.prompt), device=device)[None],
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    layers: list[Any] = cache.layers
    return out.logits[:, -1], [[(layer.keys, layer.values) for layer in layers]]


class _Packed(Cache):
    """A transformers cache that keeps what each layer computed, prompt by prompt, behind what was known."""

    def __init__(self, unread: Sequence[Unread], device: torch.device) -> None:
        super().__init__(layers=[])
        # By layer, then by prompt.
        self.pairs: list[Pairs] = []
        self.lengths = [len(each.tokens) for each in unread]
        self._unread = unread
        self._device = device
        self._masks: dict[int | None, list[torch.Tensor | None]] = {}

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Keep a layer's keys and values (each [1, head, tokens of all prompts, channel])."""
        if layer_idx != len(self.pairs):
            raise ValueError(f"layer {layer_idx} computes its keys after layer {len(self.pairs) - 1}")
        found: Pairs = []
        computed = zip(self.split(key_states), self.split(value_states), strict=True)
        for each, (keys, values) in zip(self._unread, computed, strict=True):
            if each.num_known:
                before = each.known[layer_idx]
                found.append((torch.cat((before[0], keys), 2), torch.cat((before[1], values), 2)))
            else:
                # The others' tensors are not kept for as long as this prompt is.
                found.append((keys.clone(), values.clone()))
        self.pairs.append(found)
        return key_states, value_states

    def split(self, tensor: torch.Tensor) -> list[torch.Tensor]:
        """[1, head, tokens of all prompts and padding, channel] prompt by prompt."""
        num_tokens = sum(self.lengths)
        return list(torch.split(tensor[:, :, :num_tokens], self.lengths, dim=2))

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0

    def masks(self, window: int | None) -> list[torch.Tensor | None]:
        """What the new tokens of each prompt see, [1, 1, new, all] each; None is the causal mask."""
        if window not in self._masks:
            self._masks[window] = [self._mask(each, window) for each in self._unread]
        return self._masks[window]

    def _mask(self, each: Unread, window: int | None) -> torch.Tensor | None:
        num_new, num_all = len(each.tokens), len(each.prompt)
        is_narrow = bool(window) and num_all > (window or 0)
        if not is_narrow and (not each.num_known or num_new == 1):
            return None
        mask = torch.ones(num_new, num_all, dtype=torch.bool, device=self._device).tril(each.num_known)
        return (mask.triu(each.num_known - (window or 0) + 1) if is_narrow else mask)[None, None]


@contextmanager
def _attending(config: Any) -> Iterator[None]:
    own = config._attn_implementation
    config._attn_implementation = _PACKED
    try:
        yield
    finally:
        config._attn_implementation = own


def _attend(
    attend: Callable[..., tuple[torch.Tensor, None]],
    module: Any,
    query: torch.Tensor,
    _key: torch.Tensor,
    _value: torch.Tensor,
    _mask: torch.Tensor | None,
    sliding_window: int | None = None,
    *,
    prompts: _Packed,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of [1, head, tokens of all prompts, channel], prompt by prompt over what `prompts` has of the layer."""
    pairs, masks = prompts.pairs[module.layer_idx], prompts.masks(sliding_window)
    parts = [
        attend(module, one, keys, values, mask, **others)[0]
        for one, (keys, values), mask in zip(prompts.split(query), pairs, masks, strict=True)
    ]
    padding = query.shape[2] - sum(prompts.lengths)
    if padding:
        parts.append(query.new_zeros(1, padding, *parts[0].shape[2:]))
    return torch.cat(parts, 1), None
