"""LoRA on vLLM's CPU build, corrected: a plugin of vLLM, loaded in its processes by the entry point in pyproject.toml.

vLLM's own CPU code gathers an adapter's weights anew for every token, and a row without an adapter gets the last
slot's. Invariant: rows of the base are left as they are; the rows of one adapter are one matrix product.
"""

from __future__ import annotations

from typing import Any

import torch
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU
from vllm.platforms import current_platform

# The rows of a step that use one slot; None is every row.
_Groups = list[tuple[int, torch.Tensor | None]]


def register() -> None:
    """Let vLLM take GroupedPunica for its adapters on a CPU. Idempotent; does nothing on other devices."""
    if current_platform.is_cpu():
        type(current_platform).get_punica_wrapper = classmethod(  # type: ignore[method-assign, assignment]
            lambda _: f"{__name__}.{GroupedPunica.__name__}"
        )


class GroupedPunica(PunicaWrapperCPU):  # type: ignore[misc]
    """vLLM's interface to adapted layers, for rows sorted by adapter once a step."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._tokens: _Groups = []
        self._samples: _Groups = []

    def update_metadata(self, *args: Any, **kwargs: Any) -> None:
        """Take up which row uses which adapter in the coming step."""
        super().update_metadata(*args, **kwargs)
        self._tokens = _grouped(self.token_lora_indices)
        self._samples = _grouped(self.sampler_indices)

    def add_lora_linear(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: tuple[torch.Tensor, ...],
        lora_b_stacked: tuple[torch.Tensor, ...],
        scale: float,
        output_slices: tuple[int, ...],
        **kwargs: Any,
    ) -> None:
        """y += scale B A x in place, slice by slice, each row by its own adapter."""
        rows, out = x.view(-1, x.shape[-1]), y.view(-1, y.shape[-1])
        start = 0
        for down, up, width in zip(lora_a_stacked, lora_b_stacked, output_slices, strict=True):
            _add(self._tokens, rows, down, up, scale, out[:, start : start + width])
            start += width

    def add_lora_logits(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: torch.Tensor,
        lora_b_stacked: torch.Tensor,
        scale: float,
        **kwargs: Any,
    ) -> None:
        """The same for the logits of the rows that are sampled."""
        rows, out = x.view(-1, x.shape[-1]), y.view(-1, y.shape[-1])
        _add(self._samples, rows, lora_a_stacked, lora_b_stacked, scale, out)

    def add_lora_embedding(
        self, y: torch.Tensor, x: torch.Tensor, lora_b_stacked: torch.Tensor, add_inputs: bool = True, **kwargs: Any
    ) -> None:
        """y += B x for embeddings, where A was already looked up."""
        out = y.view(-1, y.shape[-1])
        for slot, rows in self._tokens:
            up = _slot(lora_b_stacked, slot)
            _put(out, rows, _take(x.view(-1, x.shape[-1]), rows).to(up.dtype) @ up.T)


def _grouped(indices: torch.Tensor) -> _Groups:
    slots = sorted(set(indices.tolist()))
    if len(slots) == 1:
        return [] if slots[0] < 0 else [(slots[0], None)]
    return [(slot, (indices == slot).nonzero()[:, 0]) for slot in slots if slot >= 0]


def _add(groups: _Groups, x: torch.Tensor, down: torch.Tensor, up: torch.Tensor, scale: float, y: torch.Tensor) -> None:
    for slot, rows in groups:
        narrow = _take(x, rows).to(down.dtype) @ _slot(down, slot).T
        _put(y, rows, (narrow * scale if scale != 1.0 else narrow) @ _slot(up, slot).T)


def _slot(stacked: torch.Tensor, slot: int) -> torch.Tensor:
    weights = stacked[slot]
    return weights[0] if weights.ndim == 3 else weights


def _take(x: torch.Tensor, rows: torch.Tensor | None) -> torch.Tensor:
    return x if rows is None else x[rows]


def _put(y: torch.Tensor, rows: torch.Tensor | None, delta: torch.Tensor) -> None:
    # vLLM pads adapters and layers each in its own way.
    width = min(y.shape[1], delta.shape[1])
    delta = delta[:, :width].to(y.dtype)
    if rows is None:
        y[: len(delta), :width] += delta
    else:
        y[rows, :width] += delta
