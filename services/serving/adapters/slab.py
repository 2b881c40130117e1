"""Attention keys and values of the rows that are computed together.

Invariant: every row ends at column `end`, whatever its length, so one step writes one column of every row; columns
before a row's start are masked. A row joins and leaves without touching the others.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import Cache, DynamicLayer

Pairs = list[tuple[torch.Tensor, torch.Tensor]]
_BLOCK = 256


def _round_up(n: int) -> int:
    return -(-n // _BLOCK) * _BLOCK


class Slab(Cache):
    """A transformers cache over buffers [row, head, column, channel] that are written in place."""

    def __init__(self) -> None:
        self._slabs: list[_SlabLayer] = []
        super().__init__(layers=self._slabs)  # type: ignore[arg-type]
        self.num_rows = 0
        self.end = 0
        self.starts: list[int] = []
        self._mask = torch.empty(0, 0, dtype=torch.bool)

    @property
    def low(self) -> int:
        """First column that any row uses."""
        return min(self.starts, default=self.end)

    def mask(self) -> torch.Tensor:
        """[row, column] of what the next token of each row sees, itself included."""
        return self._mask[: self.num_rows, self.low : self.end + 1]

    def join(self, pairs: Pairs, num_tokens: int, num_more: int) -> None:
        """Add a row whose prompt has these keys and values (each [1, head, token, channel])."""
        if not self.num_rows:
            self._restart()
        self._reserve(pairs, self.num_rows + 1, num_tokens, num_more + 1)
        row, start = self.num_rows, self.end - num_tokens
        for layer, (keys, values) in zip(self._slabs, pairs, strict=True):
            layer.keys[row, :, start : self.end] = keys[0, :, :num_tokens]
            layer.values[row, :, start : self.end] = values[0, :, :num_tokens]
        self._mask[row, :start] = False
        self._mask[row, start:] = True
        self.starts.append(start)
        self.num_rows += 1

    def leave(self, row: int) -> None:
        """Drop a row; the last one takes its place."""
        last = self.num_rows - 1
        if row != last:
            low = self.starts[last]
            for layer in self._slabs:
                layer.keys[row, :, low : self.end] = layer.keys[last, :, low : self.end]
                layer.values[row, :, low : self.end] = layer.values[last, :, low : self.end]
            self._mask[row] = self._mask[last]
            self.starts[row] = low
        self.starts.pop()
        self.num_rows = last

    def pairs(self, row: int) -> Pairs:
        """A copy of a row's keys and values, as `join` takes them."""
        columns = slice(self.starts[row], self.end)
        return [
            (layer.keys[row : row + 1, :, columns].clone(), layer.values[row : row + 1, :, columns].clone())
            for layer in self._slabs
        ]

    def advance(self) -> None:
        """After a step: the column that it wrote is part of every row."""
        self.end += 1

    def _restart(self) -> None:
        capacity = self._mask.shape[1]
        self.end = capacity // 2 // _BLOCK * _BLOCK

    def _reserve(self, pairs: Pairs, num_rows: int, before: int, after: int) -> None:
        """Room for so many rows, columns up to `end`, and columns from it on; moves the rows where needed."""
        rows, columns = self._mask.shape
        if num_rows <= rows and before <= self.end and self.end + after <= columns:
            return
        low, width = self.low, self.end - self.low
        end = _round_up(max(before, width))
        new_rows = rows if num_rows <= rows else max(num_rows, 2 * rows)
        new_columns = max(columns, end + _round_up(after))
        mask = torch.zeros(new_rows, new_columns, dtype=torch.bool, device=pairs[0][0].device)
        if width:
            mask[: self.num_rows, end - width : end] = self._mask[: self.num_rows, low : self.end]
        mask[:, end:] = True
        old = list(self._slabs)
        self._slabs.clear()
        for index, (keys, values) in enumerate(pairs):
            layer = _SlabLayer(self, keys, values, new_rows, new_columns)
            if width:
                kept = (slice(0, self.num_rows), slice(None), slice(low, self.end))
                layer.keys[: self.num_rows, :, end - width : end] = old[index].keys[kept]
                layer.values[: self.num_rows, :, end - width : end] = old[index].values[kept]
            self._slabs.append(layer)
        self._mask, self.starts = mask, [start + end - self.end for start in self.starts]
        self.end = end


class _SlabLayer(DynamicLayer):  # type: ignore[no-untyped-call]
    keys: torch.Tensor
    values: torch.Tensor

    def __init__(self, slab: Slab, keys: torch.Tensor, values: torch.Tensor, rows: int, columns: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._slab = slab
        # Masked columns are read too, and must be numbers.
        self.keys = keys.new_zeros(rows, keys.shape[1], columns, keys.shape[3])
        self.values = values.new_zeros(rows, values.shape[1], columns, values.shape[3])
        self.is_initialized = True

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        slab = self._slab
        rows, end = slab.num_rows, slab.end
        self.keys[:rows, :, end : end + 1] = key_states
        self.values[:rows, :, end : end + 1] = value_states
        columns = slice(slab.low, end + 1)
        return self.keys[:rows, :, columns], self.values[:rows, :, columns]

    def get_seq_length(self) -> int:
        return self._slab.end - self._slab.low

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.get_seq_length() + query_length, 0
