"""A fine-tuning run that was interrupted goes on as if it had not been.

Invariant: a checkpoint is there whole or not at all; the newest is used, the best weights that it names are there,
and points reported after it are taken back.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils._pytree import tree_map_only

from services.common.errors import FailedPrecondition
from services.training.adapters import sharding

Weights = dict[str, torch.Tensor]


@dataclass
class State:
    """Where a run is: `batch` batches of `epoch` are done."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    initial_perplexity: float = 0.0
    best_perplexity: float = float("inf")
    # The epoch whose weights are kept as the best; 0 before the first.
    best_epoch: int = 0
    # Epochs since the best.
    num_stale: int = 0
    # Since the last point.
    loss_sum: float = 0.0
    num_learnt: int = 0
    num_points: int = 0
    is_done: bool = False


def weights(model: Any) -> Weights:
    """What is learnt, by name, whole."""
    return {
        name: sharding.whole(parameter.detach())
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


def restore(model: Any, kept: Weights) -> None:
    """Put what is learnt back."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                parameter.copy_(sharding.share(kept[name], parameter))


class Checkpoints:
    """The checkpoints of a job's directory."""

    def __init__(self, directory: Path, *, writes: bool = True) -> None:
        self._home = directory / "checkpoints"
        self._writes = writes

    def save(self, state: State, model: Any, optimizer: Any) -> None:
        """Keep where the run is. Raises FailedPrecondition when the disk refuses."""
        path = self._home / f"step-{state.step:08}-{state.epoch:04}.pt"
        kept = tree_map_only(torch.Tensor, sharding.whole, optimizer.state_dict())
        self._write(path, {"state": vars(state), "weights": weights(model), "optimizer": kept})
        for old in self._home.iterdir() if self._writes else ():
            if old not in (path, self._best(state.best_epoch)):
                old.unlink()

    def save_best(self, epoch: int, model: Any) -> None:
        """Keep the weights as the best until now; the next `save` lets the best before it go."""
        self._write(self._best(epoch), weights(model))

    def position(self) -> int:
        """Where the newest checkpoint is, 0 without any: the same for the same step and epoch."""
        newest = self._newest()
        return int("".join(re.findall(r"\d+", newest.stem))) + 1 if newest else 0

    def _newest(self) -> Path | None:
        return max(self._home.glob("step-*.pt"), default=None) if self._home.is_dir() else None

    def load(self, model: Any, optimizer: Any) -> State | None:
        """Set model and optimiser back to the newest checkpoint; None, and nothing done, at the beginning."""
        newest = self._newest()
        if newest is None:
            return None
        content = torch.load(newest, map_location="cpu", weights_only=True)
        learnt = [parameter for parameter in model.parameters() if parameter.requires_grad]
        for number, moments in content["optimizer"]["state"].items():
            for name, tensor in moments.items():
                if tensor.shape == learnt[number].shape:
                    moments[name] = sharding.share(tensor, learnt[number])
        optimizer.load_state_dict(content["optimizer"])
        restore(model, content["weights"])
        return State(**content["state"])

    def load_best(self, epoch: int, model: Any) -> None:
        """Set the model to the best weights."""
        restore(model, torch.load(self._best(epoch), map_location="cpu", weights_only=True))

    def _best(self, epoch: int) -> Path:
        return self._home / f"best-{epoch:04}.pt"

    def _write(self, path: Path, content: Any) -> None:
        if not self._writes:
            return
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


class Points:
    """progress.jsonl: what the room shows of the run."""

    def __init__(self, directory: Path, *, writes: bool = True) -> None:
        self._path = directory / "progress.jsonl"
        self._writes = writes

    def begin(self, total_steps: int, initial_perplexity: float, num_points: int) -> None:
        """Start the file, or go on behind its first points."""
        if not self._writes:
            return
        first = {"total_steps": total_steps, "initial_validation_perplexity": initial_perplexity}
        kept = self._path.read_text().splitlines()[1 : 1 + num_points] if self._path.is_file() else []
        scratch = self._path.with_suffix(".new")
        scratch.write_text("".join(line + "\n" for line in [json.dumps(first), *kept]))
        scratch.replace(self._path)

    def add(self, **point: float) -> None:
        """Report a point."""
        if self._writes:
            with self._path.open("a") as file:
                file.write(json.dumps(point) + "\n")
