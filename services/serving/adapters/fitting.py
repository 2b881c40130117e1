"""Whether an adapter was made for a base model, told from its files before any engine reads them.

Invariant: an adapter is refused with the first tensor that does not fit, and one that fits is whole.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import torch

from services.common.errors import InvalidArgument


class AdapterMismatch(InvalidArgument):
    """The adapter was made for another base."""

    reason = "ADAPTER_MISMATCH"


def check_fit(directory: Path, base: torch.nn.Module, revision: str) -> None:
    """Compare an adapter's configuration and tensor shapes with the base. Raises AdapterMismatch."""
    try:
        config = json.loads((directory / "adapter_config.json").read_text())
        shapes = _shapes(directory / "adapter_model.safetensors")
        origin = _origin(directory)
    except (ValueError, KeyError, OSError, struct.error) as error:
        raise AdapterMismatch(f"the adapter's files cannot be read: {error}; save it with PEFT again") from error
    if config.get("peft_type") != "LORA":
        raise AdapterMismatch(f"the adapter is of PEFT type {config.get('peft_type')!r}; only LORA is served")
    if revision and origin and origin != revision:
        raise AdapterMismatch(
            f"the adapter was trained on base weights {origin[:12]}, and {revision[:12]} is served; "
            "train it on this base, or serve the base that it was trained on"
        )
    modules = dict(base.named_modules())
    for name, shape in sorted(shapes.items()):
        if (fault := _fault(name, shape, modules, config)) is not None:
            raise AdapterMismatch(f"{name} {fault}; the adapter is of another base model", tensor=name)


def _fault(name: str, shape: list[int], modules: dict[str, torch.nn.Module], config: dict[str, Any]) -> str | None:
    path, _, kind = name.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".")
    if kind not in ("lora_A", "lora_B"):
        return None
    module = modules.get(path)
    weight = getattr(getattr(module, "base_layer", module), "weight", None)
    if not isinstance(weight, torch.Tensor) or weight.ndim != 2:
        return "has no linear layer in the base"
    ranks = {config.get("r"), *(config.get("rank_pattern") or {}).values()}
    rank, width = (shape[0], shape[1]) if kind == "lora_A" else (shape[1], shape[0])
    if rank not in ranks:
        return f"has the shape {shape}, and the rank in adapter_config.json is {config.get('r')}"
    out_features, in_features = _features(module, weight)
    wanted = in_features if kind == "lora_A" else out_features
    return (
        None if width == wanted else f"has the shape {shape}, and the base's layer is {in_features} -> {out_features}"
    )


def _features(module: torch.nn.Module | None, weight: torch.Tensor) -> tuple[int, int]:
    module = getattr(module, "base_layer", module)
    # A quantised weight is packed; its layer still tells its sizes.
    sizes = getattr(module, "out_features", weight.shape[0]), getattr(module, "in_features", weight.shape[1])
    return int(sizes[0]), int(sizes[1])


def _shapes(path: Path) -> dict[str, list[int]]:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > path.stat().st_size:
            raise ValueError(f"{path.name} is cut short")
        header = json.loads(file.read(length))
    end = max((entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"), default=0)
    if path.stat().st_size != 8 + length + end:
        raise ValueError(f"{path.name} is cut short")
    return {name: entry["shape"] for name, entry in header.items() if name != "__metadata__"}


def _origin(directory: Path) -> str:
    path = directory / "ratchet.json"
    return str(json.loads(path.read_text()).get("base_revision", "")) if path.is_file() else ""
