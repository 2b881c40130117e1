"""Linear layers by oneDNN where torch would take MKL's matrix product, which on AMD's processors is half as fast.

Invariant: the same product up to rounding, from the same weights: nothing is copied or repacked, and a layer is still
a torch.nn.Linear to PEFT.
"""

from __future__ import annotations

import platform

import torch

# oneDNN's call costs some 10 us more than MKL's; from so many rows on it is the faster one.
_LEAST_ROWS = 16


def quicken(model: torch.nn.Module) -> None:
    """Let a float32 model on an x86 CPU compute its linear layers by oneDNN, from now on without gradients."""
    is_there: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    if not is_there or platform.machine() not in ("x86_64", "AMD64"):
        return
    for module in model.modules():
        if type(module) is torch.nn.Linear and module.weight.dtype == torch.float32 and module.weight.is_cpu:
            module.__class__ = _OneDnnLinear


class _OneDnnLinear(torch.nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.numel() < _LEAST_ROWS * self.in_features or torch.is_grad_enabled():
            return super().forward(x)
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, "none", [], "")
        return found
