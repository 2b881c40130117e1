"""What a job's specification leaves open: the paper's numbers, or those that fit the tiny model.

Invariant: a completed specification has every number, each within its bounds.
"""

from __future__ import annotations

import math

from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import InvalidArgument

_Spec = pb.TrainingSpec
_PAPER = _Spec(
    lora=pb.LoraConfig(rank=8, alpha=8),
    learning_rate=1e-5,
    weight_decay=0.01,
    batch_size=16,
    max_epochs=20,
    patience=5,
    seed=42,
    max_tokens=4096,
)
_TINY = _Spec(
    method=_Spec.METHOD_LORA,
    lora=pb.LoraConfig(rank=16, alpha=32),
    learning_rate=1e-3,
    weight_decay=0.01,
    batch_size=16,
    max_epochs=10,
    patience=5,
    seed=42,
    max_tokens=1024,
)
PRESETS = {
    "paper": _Spec(method=_Spec.METHOD_QLORA, **{field.name: value for field, value in _PAPER.ListFields()}),
    "standard": _Spec(method=_Spec.METHOD_LORA, **{field.name: value for field, value in _PAPER.ListFields()}),
    "tiny": _TINY,
}
# Highest value that is not a slip of the pen.
_CEILINGS = {
    "learning_rate": 1.0,
    "weight_decay": 10.0,
    "batch_size": 65536,
    "max_epochs": 10_000,
    "patience": 10_000,
    "max_tokens": 1 << 20,
}


def complete(spec: pb.TrainingSpec, preset: str, prompt_format: str) -> pb.TrainingSpec:
    """The specification with each zero replaced by the preset's number. InvalidArgument names a wrong field."""
    name = spec.preset or ("tiny" if preset == "tiny" or prompt_format == "brief" else "standard")
    if name not in PRESETS:
        raise InvalidArgument(f"there is no preset {name!r}; use {', '.join(PRESETS)}", field="preset")
    full = pb.TrainingSpec()
    full.CopyFrom(PRESETS[name])
    given = pb.TrainingSpec()
    given.CopyFrom(spec)
    for field, ceiling in _CEILINGS.items():
        value = getattr(spec, field)
        if not math.isfinite(value) or not 0 <= value <= ceiling:
            raise InvalidArgument(f"spec.{field} is {value}; use 0 (the default) to {ceiling}", field=field)
    lora = spec.lora
    if not 0 <= lora.rank <= 4096 or lora.alpha < 0 or not 0 <= lora.dropout < 1:
        raise InvalidArgument(
            f"spec.lora is rank {lora.rank}, alpha {lora.alpha}, dropout {lora.dropout}; use a rank of 1 to 4096, "
            "an alpha above 0 and a dropout of 0 to below 1, or 0 for the default",
            field="lora",
        )
    if lora.rank and not lora.alpha:
        given.lora.alpha = lora.rank * full.lora.alpha // full.lora.rank
    full.MergeFrom(given)
    full.preset = name
    if full.method == _Spec.METHOD_FULL and spec.initial_adapter:
        raise InvalidArgument(
            "full fine-tuning starts from no adapter; leave initial_adapter empty, or merge it into the base first",
            field="initial_adapter",
        )
    return full
