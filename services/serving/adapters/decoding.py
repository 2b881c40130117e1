"""The decode loop's body: rows of one adapter, one token each a step.

Invariant: what a row gets depends on its prompt, adapter, sampling and seed, never on its neighbours. Rows join, their
prompts read side by side, and leave between steps. No GenerationMixin: in a small model its bookkeeping costs more than
the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch

from services.serving import metrics
from services.serving.adapters import packing
from services.serving.adapters.packing import Unread
from services.serving.adapters.prefixes import MIN_SHARED, Prefixes, Starts, key_of
from services.serving.adapters.rows import Row
from services.serving.adapters.slab import Slab

# New tokens that are read in one pass, unless one prompt has more: enough to fill a GPU, and no more memory than that.
_MOST_TOKENS = 4096


class Group:
    """The rows being computed with one adapter."""

    def __init__(
        self,
        adapter: str,
        prefixes: Prefixes,
        ends: frozenset[int],
        decode: Callable[[Iterable[int]], str],
        device: torch.device,
        *,
        packs: bool,
    ) -> None:
        """`packs` when the model was shown to read prompts side by side."""
        self.adapter = adapter
        self.rows: list[Row] = []
        self._slab = Slab()
        self._prefixes = prefixes
        self._ends = ends
        self._decode = decode
        self._device = device
        self._packs = packs

    def wave(self, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
        """The rows to admit now, and those to admit after them: what shares its start with one of them waits for it."""
        now: list[Row] = []
        later: list[Row] = []
        starts, room = Starts(), _MOST_TOKENS
        for row in rows:
            num_known, _ = self._prefixes.longest(self.adapter, row.prompt)
            num_shared, _ = starts.longest(key_of(row.prompt[:-1]))
            num_new = len(row.prompt) - num_known
            if now and (not self._packs or num_new > room or num_shared >= num_known + MIN_SHARED):
                later.append(row)
            else:
                now.append(row)
                starts.add(key_of(row.prompt))
                room -= num_new
        return now, later

    @torch.inference_mode()
    def admit(self, model: Any, rows: Sequence[Row]) -> None:
        """Read the prompts of rows and draw their first tokens; a row stays here unless that was its last."""
        for row in rows:
            row.take_up()
        unread = [Unread(row.prompt, *self._prefixes.longest(self.adapter, row.prompt)) for row in rows]
        if self._packs:
            logits, computed = packing.read(model, unread, self._device)
        else:
            assert len(unread) == 1, "rows are admitted in waves"
            logits, computed = packing.read_alone(model, unread[0], self._device)
        tokens, logprobs = choose(logits, rows)
        for each, pairs, row, token, logprob in zip(unread, computed, rows, tokens, logprobs, strict=True):
            self._prefixes.add(self.adapter, row.prompt, pairs)
            metrics.REUSED_TOKENS.inc(each.num_known)
            if not row.append(token, logprob, self._ends, self._decode):
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


def choose(logits: torch.Tensor, rows: Sequence[Row]) -> tuple[list[int], list[float]]:
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


def _constrained(logits: torch.Tensor, rows: Sequence[Row]) -> torch.Tensor:
    """The logits with those of tokens that a row may not write at minus infinity."""
    bound = [(index, row.constraint.allowed()) for index, row in enumerate(rows) if row.constraint is not None]
    if not bound:
        return logits
    limited = logits.clone()
    for index, allowed in bound:
        limited[index].masked_fill_(~allowed[: logits.shape[-1]].to(logits.device), -torch.inf)
    return limited
