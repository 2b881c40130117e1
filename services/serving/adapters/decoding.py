"""The decode loop's body: rows of one adapter, one token each a step.

Invariant: what a row gets depends on its prompt, adapter, sampling and seed, never on its neighbours. Rows join
and leave between steps. No GenerationMixin: in a small model its bookkeeping costs more than the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from transformers.cache_utils import DynamicCache

from services.serving import metrics
from services.serving.adapters.prefixes import Prefixes
from services.serving.adapters.rows import Row
from services.serving.adapters.slab import Pairs, Slab


class Group:
    """The rows being computed with one adapter."""

    def __init__(
        self,
        adapter: str,
        prefixes: Prefixes,
        ends: frozenset[int],
        decode: Callable[[Iterable[int]], str],
        device: torch.device,
    ) -> None:
        self.adapter = adapter
        self.rows: list[Row] = []
        self._slab = Slab()
        self._prefixes = prefixes
        self._ends = ends
        self._decode = decode
        self._device = device

    @torch.inference_mode()
    def admit(self, model: Any, row: Row) -> None:
        """Read a row's prompt and draw its first token; the row stays here unless that was its last."""
        row.take_up()
        num_known, known = self._prefixes.longest(self.adapter, row.prompt)
        cache = DynamicCache()
        for index, (keys, values) in enumerate(known):
            cache.update(keys, values, index)
        out = model(
            input_ids=torch.tensor([row.prompt[num_known:]], device=self._device),
            position_ids=torch.arange(num_known, len(row.prompt), device=self._device)[None],
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        layers: list[Any] = cache.layers
        pairs: Pairs = [(layer.keys, layer.values) for layer in layers]
        self._prefixes.add(self.adapter, row.prompt, pairs)
        metrics.REUSED_TOKENS.inc(num_known)
        tokens, logprobs = choose(out.logits[:, -1], [row])
        if not row.append(tokens[0], logprobs[0], self._ends, self._decode):
            self._slab.join(pairs, len(row.prompt), row.max_new_tokens)
            self.rows.append(row)

    @torch.inference_mode()
    def step(self, model: Any) -> None:
        """One token for every row; finished and abandoned rows leave."""
        for index in reversed(range(len(self.rows))):
            if self.rows[index].future.cancelled():
                self._leave(index)
        if not self.rows:
            return
        rows, slab = self.rows, self._slab
        metrics.BATCH_ROWS.observe(len(rows))
        out = model(
            input_ids=torch.tensor([[row.token_ids[-1]] for row in rows], device=self._device),
            attention_mask=slab.mask(),
            position_ids=torch.tensor([[row.num_tokens - 1] for row in rows], device=self._device),
            past_key_values=slab,
            use_cache=True,
        )
        slab.advance()
        tokens, logprobs = choose(out.logits[:, -1], rows)
        is_done = [
            row.append(token, logprob, self._ends, self._decode)
            for row, token, logprob in zip(rows, tokens, logprobs, strict=True)
        ]
        for index in reversed(range(len(rows))):
            if is_done[index]:
                self._leave(index)

    def _leave(self, index: int) -> None:
        self._slab.leave(index)
        last = self.rows.pop()
        if index < len(self.rows):
            self.rows[index] = last


def choose(logits: torch.Tensor, rows: list[Row]) -> tuple[list[int], list[float]]:
    """A token for each row by its own sampling, and its log-probability at temperature 1."""
    logits = _constrained(logits.float(), rows)
    tokens = logits.argmax(-1)
    warm = [index for index, row in enumerate(rows) if row.sampling.temperature > 0]
    if warm:
        drawn = [(rows[index].sampling.temperature, rows[index].uniform()) for index in warm]
        temperatures, uniforms = logits.new_tensor(drawn, dtype=torch.float64)[:, :, None].unbind(1)
        scaled = logits[warm].double() / temperatures
        mass = torch.softmax(scaled, -1).cumsum(-1)
        tokens[warm] = (mass <= uniforms * mass[:, -1:]).sum(-1).clamp_(max=logits.shape[-1] - 1)
    chosen = logits.gather(-1, tokens[:, None])[:, 0] - logits.logsumexp(-1)
    return tokens.tolist(), chosen.tolist()


def _constrained(logits: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """The logits with those of tokens that a row may not write at minus infinity."""
    bound = [(index, row.constraint.allowed()) for index, row in enumerate(rows) if row.constraint is not None]
    if not bound:
        return logits
    limited = logits.clone()
    for index, allowed in bound:
        limited[index].masked_fill_(~allowed[: logits.shape[-1]].to(logits.device), -torch.inf)
    return limited
