"""A fine-tuning run that was interrupted goes on as if it had not been.

Invariant: a checkpoint is there whole or not at all; the newest is used, and points reported after it are taken back.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from services.common.errors import FailedPrecondition

Weights = dict[str, torch.Tensor]


@dataclass
class State:
    """Where a run is: `batch` batches of `epoch` are done."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    initial_perplexity: float = 0.0
    best_perplexity: float = float("inf")
    best_epoch: int = 0
    best: Weights = field(default_factory=dict)
    # Epochs since the best.
    num_stale: int = 0
    # Since the last point.
    loss_sum: float = 0.0
    num_learnt: int = 0
    num_points: int = 0
    is_done: bool = False


class Checkpoints:
    """The checkpoints of a job's directory."""

    def __init__(self, directory: Path) -> None:
        self._home = directory / "checkpoints"

    def save(self, state: State, weights: Weights, optimizer: Any) -> None:
        """Keep where the run is. Raises FailedPrecondition when the disk refuses."""
        content = {
            "state": dict(vars(state)),
            "weights": weights,
            "optimizer": optimizer.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }
        path = self._home / f"step-{state.step:08}-{state.epoch:04}.pt"
        scratch = path.with_suffix(".new")
        try:
            self._home.mkdir(exist_ok=True)
            with scratch.open("wb") as file:
                torch.save(content, file)
                file.flush()
                os.fsync(file.fileno())
            scratch.replace(path)
        except (OSError, RuntimeError) as error:
            raise FailedPrecondition(f"cannot keep a checkpoint in {self._home}: {error}; check the disk") from error
        for old in self._home.glob("step-*"):
            if old != path:
                old.unlink()

    def load(self, optimizer: Any) -> tuple[State, Weights] | None:
        """The newest checkpoint, the optimiser and random numbers set back to it; None at the beginning."""
        found = sorted(self._home.glob("step-*.pt")) if self._home.is_dir() else []
        if not found:
            return None
        content = torch.load(found[-1], map_location="cpu", weights_only=True)
        optimizer.load_state_dict(content["optimizer"])
        torch.set_rng_state(content["rng"])
        if content["cuda_rng"]:
            torch.cuda.set_rng_state_all(content["cuda_rng"])
        return State(**content["state"]), content["weights"]


class Points:
    """progress.jsonl: what the room shows of the run."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "progress.jsonl"

    def begin(self, total_steps: int, initial_perplexity: float, num_points: int) -> None:
        """Start the file, or go on behind its first points."""
        first = {"total_steps": total_steps, "initial_validation_perplexity": initial_perplexity}
        kept = self._path.read_text().splitlines()[1 : 1 + num_points] if self._path.is_file() else []
        scratch = self._path.with_suffix(".new")
        scratch.write_text("".join(line + "\n" for line in [json.dumps(first), *kept]))
        scratch.replace(self._path)

    def add(self, **point: float) -> None:
        """Report a point."""
        with self._path.open("a") as file:
            file.write(json.dumps(point) + "\n")
