"""One fine-tuning run, from a job's directory to its adapter.

Invariant: interrupted at any step and run again, it ends with the adapter of an undisturbed run (bit for bit on a
CPU): batches, dropout and the learning rate depend on the seed and the step alone.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from services.common.errors import FailedPrecondition, RatchetError
from services.common.telemetry import log
from services.training.adapters import corpus, examples, measuring, models, results, work
from services.training.adapters.batching import Batcher
from services.training.adapters.checkpointing import Checkpoints, Points, State
from services.training.adapters.corpus import Corpus
from services.training.adapters.examples import Example
from services.training.adapters.measuring import Board
from services.training.adapters.sharding import Group
from services.training.adapters.work import Work

# A run reports about so many points, and one at each epoch's end.
_POINTS = 200
# Tokens of a row with which packing is tried.
_PROBE = 64


class OutOfMemory(FailedPrecondition):
    """A step needs more memory than there is."""

    reason = "OUT_OF_MEMORY"


class _Stopped(Exception):
    """The run was told to stop."""


def run(directory: Path, stopping: Callable[[], bool]) -> bool:
    """Train until done or told to stop; False when stopped, with a checkpoint kept. Raises RatchetError."""
    try:
        return _Run(directory, work.read(directory), stopping).train()
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _out_of_memory(error) from error
    except RuntimeError as error:
        if "allocate memory" in str(error) or "out of memory" in str(error):
            raise _out_of_memory(error) from error
        raise
    except OSError as error:
        raise FailedPrecondition(
            f"{error.filename or directory}: {error.strerror}; check space and permissions"
        ) from error


def _out_of_memory(error: BaseException) -> RatchetError:
    return OutOfMemory(
        f"out of memory: {str(error).splitlines()[0] if str(error) else 'no more to be had'}; set "
        "training.micro_batch_size or gradient_checkpointing, or lower max_tokens"
    )


class _Run:
    def __init__(self, directory: Path, job: Work, stopping: Callable[[], bool]) -> None:
        self._directory = directory
        self._job = job
        self._stopping = stopping
        self._group = Group()
        self._device = _device(job.device)
        torch.set_num_threads(job.threads or max(1, (os.cpu_count() or 1) // self._group.size))
        self._halves = job.precision == "bfloat16" or (job.precision == "auto" and self._device.type == "cuda")
        self._initial = directory / "initial" if (directory / "initial").is_dir() else None
        self._loaded = models.load(job, self._device, self._initial, halves=self._halves)
        self._model = self._loaded.model
        self._train, self._validation = self._read_rows()
        self._flops = measuring.Flops(self._loaded)
        self._group.place(self._model, self._loaded.base, self._device)
        self._batcher = self._make_batcher()
        learnt = [parameter for parameter in self._model.parameters() if parameter.requires_grad]
        self._weights = learnt
        self._optimizer = torch.optim.AdamW(learnt, lr=job.learning_rate, weight_decay=job.weight_decay, fused=True)
        self._checkpoints = Checkpoints(directory, writes=self._group.is_first)
        self._points = Points(directory, writes=self._group.is_first)
        self._peak_tflops = measuring.peak_tflops(self._device, job.peak_tflops)
        self._total_steps = job.max_epochs * math.ceil(len(self._train) / job.batch_size)
        self._saved = self._reported = time.monotonic()
        self._num_read = self._num_flops = 0

    def _read_rows(self) -> tuple[Corpus, Corpus]:
        """The first process of each machine writes the tokens, the others read them."""
        if not self._group.leads_machine:
            self._group.wait()
        found = corpus.build(
            self._directory / "dataset.parquet",
            self._loaded.tokenizer,
            self._job.max_tokens,
            self._directory / "tokens",
        )
        if self._group.leads_machine:
            self._group.wait()
        return found

    def _make_batcher(self) -> Batcher:
        tokenizer = self._loaded.tokenizer
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        batcher = Batcher(self._model, self._loaded.base, padding, self._device)
        if self._job.batching != "padded":
            rows = [self._train[row] for row in range(min(3, len(self._train)))]
            short = [Example(row.token_ids[-_PROBE:], min(row.num_response, _PROBE // 2)) for row in rows]
            with self._autocast():
                packs = batcher.try_packing(short, torch.bfloat16 if self._halves else torch.float32)
            if not packs and self._job.batching == "packed":
                raise FailedPrecondition(
                    f"{self._job.base_name} mixes packed rows up; set training.batching to auto or padded"
                )
        log().info("training rows are batched", packed=batcher.packs, rows=len(self._train))
        return batcher

    def train(self) -> bool:
        """Go on from the newest checkpoint to the end; False when told to stop."""
        try:
            if not self._group.agrees(self._checkpoints.position()):
                log().warning("machines came with different checkpoints; they stop, and come again")
                raise _Stopped
            state = self._checkpoints.load(self._model, self._optimizer)
            if state is None:
                state = State(initial_perplexity=self._perplexity())
            else:
                log().info("training resumed", step=state.step, epoch=state.epoch)
        except _Stopped:  # before there was anything to keep
            return False
        self._points.begin(self._total_steps, state.initial_perplexity, state.num_points)
        self._board = Board(self._directory, state.step, writes=self._group.is_first)
        try:
            while not state.is_done:
                self._epoch(state)
                self._end_epoch(state)
        except _Stopped:
            self._checkpoint(state)
            return False
        finally:
            self._board.close()
        self._group.close()
        if self._group.is_first:
            self._leave(state)
        return True

    def _leave(self, state: State) -> None:
        """Write the result: the best weights, whole."""
        loaded = self._loaded
        if self._group.size > 1:
            loaded = models.load(self._job, torch.device("cpu"), self._initial, halves=self._halves)
        self._checkpoints.load_best(state.best_epoch, loaded.model)
        facts = {
            "training_rows": float(len(self._train)),
            "validation_rows": float(len(self._validation)),
            "steps": float(state.step),
            "best_epoch": float(state.best_epoch),
        }
        if len(self._validation):
            facts["validation_perplexity_before"] = state.initial_perplexity
            facts["validation_perplexity_after"] = state.best_perplexity
        results.save(loaded, self._job, facts, self._directory)

    def _epoch(self, state: State) -> None:
        """The batches of an epoch that are left."""
        job = self._job
        todo = examples.order(
            self._train.lengths, job.batch_size, job.seed, state.epoch, by_length=not self._batcher.packs
        )
        every = max(1, self._total_steps // _POINTS)
        self._model.train()
        for batch in todo[state.batch :]:
            rows = [self._train[row] for row in batch.tolist()]
            loss_sum, num_learnt = self._step(state.step, rows)
            state.batch += 1
            state.step += 1
            state.loss_sum += loss_sum
            state.num_learnt += num_learnt
            self._num_read += sum(len(row.token_ids) for row in rows)
            self._num_flops += self._flops.of(rows)
            if state.step % every == 0 and state.batch < len(todo):
                self._report(state, state.epoch + state.batch / len(todo), 0.0)
            if self._group.any(time.monotonic() - self._saved > job.checkpoint_s):
                self._checkpoint(state)

    def _step(self, step: int, rows: Sequence[Example]) -> tuple[float, int]:
        """One step of the optimiser; the loss summed over learnt tokens, and their number."""
        # A step that is done again draws the same dropout.
        torch.manual_seed((self._job.seed * 1_000_003 + step + self._group.rank * 7_919) % 2**63)
        for group in self._optimizer.param_groups:
            group["lr"] = self._job.learning_rate * (1 - step / self._total_steps)
        num_learnt, loss_sum = sum(row.num_response for row in rows), 0.0
        for piece, counts in self._pieces(rows):
            with self._autocast():
                loss = self._batcher.loss(piece) * counts
            # Gradients are the mean over processes.
            (loss * self._group.size / num_learnt).backward()  # type: ignore[no-untyped-call]
            loss_sum += loss.item()
        loss_sum = self._group.total(loss_sum)
        torch.nn.utils.clip_grad_norm_(self._weights, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        if not math.isfinite(loss_sum):
            raise FailedPrecondition(f"the loss is {loss_sum} at step {step}; lower learning_rate")
        return loss_sum, num_learnt

    def _pieces(self, rows: Sequence[Example]) -> Iterator[tuple[Sequence[Example], bool]]:
        """A batch's forward passes, and whether they count. Raises _Stopped between: a step half done is done again."""
        for piece in self._group.pieces(rows, self._job.micro_batch_size, self._job.micro_batch_tokens):
            if self._group.any(self._stopping()):
                self._optimizer.zero_grad(set_to_none=True)
                raise _Stopped
            yield piece

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self._device.type, dtype=torch.bfloat16) if self._halves else nullcontext()

    def _perplexity(self) -> float:
        """Of the validation rows; 0 without any."""
        if not len(self._validation):
            return 0.0
        self._model.eval()
        total, size = 0.0, self._job.batch_size
        ascending = self._validation.lengths.argsort(kind="stable").tolist()
        with torch.no_grad():
            for start in range(0, len(ascending), size):
                for piece, counts in self._pieces([self._validation[row] for row in ascending[start : start + size]]):
                    with self._autocast():
                        total += self._batcher.loss(piece).item() * counts
        total = self._group.total(total)
        if not math.isfinite(total):
            raise FailedPrecondition(f"the validation loss is {total}; lower learning_rate")
        return math.exp(min(total / self._validation.num_learnt, 50.0))

    def _end_epoch(self, state: State) -> None:
        job = self._job
        perplexity = self._perplexity()
        state.epoch, state.batch = state.epoch + 1, 0
        if perplexity < state.best_perplexity or not len(self._validation):
            state.best_perplexity, state.best_epoch, state.num_stale = perplexity, state.epoch, 0
            self._checkpoints.save_best(state.epoch, self._model)
        else:
            state.num_stale += 1
        self._report(state, float(state.epoch), perplexity)
        state.is_done = state.epoch >= job.max_epochs or state.num_stale >= job.patience
        self._checkpoint(state)

    def _report(self, state: State, epoch: float, perplexity: float) -> None:
        now = time.monotonic()
        took_s = max(1e-9, now - self._reported)
        point = {
            "train_loss": state.loss_sum / max(1, state.num_learnt),
            "validation_perplexity": perplexity,
            "tokens_per_s": self._num_read / took_s,
            "memory_bytes": measuring.memory_bytes(self._device),
            "mfu": self._num_flops / took_s / (self._peak_tflops * self._group.size * 1e12)
            if self._peak_tflops
            else 0.0,
        }
        self._points.add(step=state.step, epoch=epoch, num_tokens=self._num_read, **point)
        told = {name: value for name, value in point.items() if value}
        told["train_perplexity"] = math.exp(min(point["train_loss"], 50.0))
        self._board.add(state.step, told)
        state.num_points += 1
        state.loss_sum, state.num_learnt = 0.0, 0
        self._num_read, self._num_flops, self._reported = 0, 0, now

    def _checkpoint(self, state: State) -> None:
        self._checkpoints.save(state, self._model, self._optimizer)
        self._saved = time.monotonic()


def _device(name: str) -> torch.device:
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
            torch.cuda.set_device(device)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise FailedPrecondition(f"training.device {name!r} cannot be used: {error}; use auto, cpu or cuda") from error
    return device
