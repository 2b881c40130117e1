"""A job as its worker reads it from spec.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Work:
    """Every number of the job, completed, and how to compute it on this machine."""

    base_name: str
    base_uri: str
    dataset: str
    rank: int
    alpha: int
    dropout: float
    learning_rate: float
    weight_decay: float
    batch_size: int
    max_epochs: int
    patience: int
    seed: int
    max_tokens: int
    # A name of services.training.methods.
    method: str = "lora"
    device: str = "auto"
    precision: str = "auto"
    threads: int = 0
    processes: int = 1
    batching: str = "auto"
    micro_batch_size: int = 0
    micro_batch_tokens: int = 0
    gradient_checkpointing: bool = False
    peak_tflops: float = 0.0
    checkpoint_s: float = 60.0
    allow_download: bool = True


def read(directory: Path) -> Work:
    """The work of a job's directory."""
    return Work(**json.loads((directory / "spec.json").read_text()))
