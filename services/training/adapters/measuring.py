"""What a run tells of itself: speed, memory, and the share of the device's peak that it uses (MFU).

Invariant: only what is learnt from counts: neither padding nor activations that are computed again.
"""

from __future__ import annotations

import importlib.util
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from services.training.adapters.examples import Example
from services.training.adapters.models import Loaded

# Dense bfloat16 peaks by the device's name, in TFLOP/s, as the makers give them; the first name that fits counts.
_PEAK_TFLOPS = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10G": 70.0,
    "A10": 125.0,
    "RTX 4090": 165.0,
}


def peak_tflops(device: torch.device, given: float) -> float:
    """The device's peak; 0 where it is not known."""
    if given or device.type != "cuda":
        return given
    found = torch.cuda.get_device_name(device)
    return next((peak for name, peak in _PEAK_TFLOPS.items() if name in found), 0.0)


def memory_bytes(device: torch.device) -> int:
    """The most that the run held until now: on a GPU what was allocated there, else what was resident."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


class Flops:
    """Floating-point operations of a step: products of matrices, forward and backward."""

    def __init__(self, loaded: Loaded) -> None:
        config: Any = loaded.base.config.get_text_config()
        head: Any = loaded.base.get_output_embeddings()
        self._linear, self._learnt = 0, 0
        for module in loaded.model.modules():
            if isinstance(module, torch.nn.Linear) and module is not head:
                size = module.in_features * module.out_features
                self._linear += size
                self._learnt += size if module.weight.requires_grad else 0
        self._head: int = head.in_features * head.out_features
        self._head_learnt = self._head if head.weight.requires_grad else 0
        width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._attention: int = config.num_hidden_layers * config.num_attention_heads * width

    def of(self, rows: Sequence[Example]) -> int:
        """Two a weight and token forward, two for the activations' gradients, two for those of learnt weights."""
        num_tokens = sum(len(row.token_ids) for row in rows)
        num_learnt = sum(row.num_response for row in rows)
        # Scores and values, of half the pairs, once forward and twice backward.
        pairs = sum(len(row.token_ids) ** 2 for row in rows)
        linear = num_tokens * (4 * self._linear + 2 * self._learnt)
        return linear + num_learnt * (4 * self._head + 2 * self._head_learnt) + 6 * pairs * self._attention


class Board:
    """TensorBoard files in a job's directory; nothing where tensorboard is not installed."""

    def __init__(self, directory: Path, first_step: int, *, writes: bool = True) -> None:
        self._writer: Any = None
        if writes and importlib.util.find_spec("tensorboard") is not None:
            from torch.utils.tensorboard import SummaryWriter

            # What a killed worker wrote after the checkpoint is not shown.
            self._writer = SummaryWriter(str(directory / "tensorboard"), purge_step=first_step + 1)  # type: ignore[no-untyped-call]

    def add(self, step: int, values: dict[str, float]) -> None:
        """Write values under their names, and let readers see them."""
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(name, value, step)
            self._writer.flush()

    def close(self) -> None:
        """End the file. Idempotent."""
        if self._writer is not None:
            self._writer.close()
