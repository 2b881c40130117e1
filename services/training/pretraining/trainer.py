"""The training loop: AdamW on packed pages, checkpoints to resume from, a checkpoint to publish.

Invariant: a run that was stopped and started again makes the same steps as one that was not.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from services.common.errors import InvalidArgument
from services.common.telemetry import log
from services.training.pretraining import architecture, encoding, evaluation, initialisation, packing
from services.training.pretraining.demonstrations import Demonstration
from services.training.pretraining.sampling import SKILLS, Curriculum, Sampler
from services.training.pretraining.settings import PretrainingSettings

_POOL = 32


class Trainer:
    """One run over given demonstrations; `work` is where its checkpoint lives.

    `start` is trained on, on whole pages, in place of a new model.
    """

    def __init__(
        self,
        settings: PretrainingSettings,
        tokenizer: PreTrainedTokenizerFast,
        train: list[Demonstration],
        held_out: list[Demonstration],
        work: Path,
        start: Qwen2ForCausalLM | None = None,
    ) -> None:
        torch.set_num_threads(settings.threads)
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.tokenizer = tokenizer
        self.held_out = held_out
        self.work = work
        self.model: Qwen2ForCausalLM = start or architecture.create(settings.shape, tokenizer)
        if start is None:
            initialisation.structured(self.model, tokenizer, settings.seed)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), settings.learning_rate, (0.9, 0.98), weight_decay=settings.weight_decay, fused=True
        )
        self.encoder = encoding.Encoder(tokenizer, settings.max_page_tokens)
        self.rng = random.Random(settings.seed)
        self.sampler = Sampler(encoding.gather(train), self.encoder, settings.queries_per_page, self.rng)
        self.curriculum = Curriculum() if start is None else Curriculum(level=Curriculum.top)
        self.accuracy = dict.fromkeys(SKILLS, 0.0)
        self.step = 0
        self.num_tokens = 0
        # Each a group of pages and a group of decisions.
        self._batches: list[list[list[packing.Row]]] = []
        # From which state the batches at hand were drawn, and how many of them are used up.
        self._drawn_from: dict[str, Any] = {}
        self._num_used = 0

    def run(self) -> evaluation.Scores:
        """Train to the end, from the last checkpoint if there is one; returns the held-out scores."""
        self.resume()
        saved = started = time.monotonic()
        first = self.num_tokens
        while self.step < self.settings.num_steps:
            loss = self.advance()
            if self.step % 50 == 0:
                rate = (self.num_tokens - first) / (time.monotonic() - started)
                self._report(loss, rate)
            if self.step % self.settings.evaluate_every == 0:
                self._measure(self.settings.evaluate_on)
            if time.monotonic() - saved > self.settings.checkpoint_every_s:
                self.save()
                saved = time.monotonic()
        self.save()
        return self._measure(len(self.held_out))

    def advance(self) -> float:
        """Make one optimiser step; returns its loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * self._rate()
        batches = [packing.collate(group, int(self.tokenizer.pad_token_id)) for group in self._next()]
        num_learnt = sum(int((batch.skills >= 0).sum()) for batch in batches)
        total = 0.0
        for batch in batches:
            self.num_tokens += batch.num_tokens
            loss = self._loss(batch) / num_learnt
            loss.backward()  # type: ignore[no-untyped-call]
            total += float(loss.item())
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        self.curriculum.saw(self.accuracy[packing.ID_SKILL])
        return total

    def _loss(self, batch: packing.Batch) -> torch.Tensor:
        """Summed over the learnt tokens."""
        learnt = batch.skills >= 0
        with torch.autocast("cpu", dtype=torch.bfloat16):
            hidden = self.model.model(
                input_ids=batch.tokens, position_ids=batch.positions, attention_mask=batch.mask, use_cache=False
            ).last_hidden_state[learnt]
            logits = self.model.lm_head(hidden).float()
        targets = batch.targets[learnt]
        self._note(logits.argmax(-1) == targets, batch.skills[learnt])
        return functional.cross_entropy(logits, targets, reduction="sum")

    def _rate(self) -> float:
        done = self.step / self.settings.num_steps
        start = self.settings.decay_from
        warm = min(1.0, (self.step + 1) / self.settings.warmup_steps)
        return warm * (1.0 if done < start else max(0.05, (1 - done) / (1 - start)))

    def _next(self) -> list[list[packing.Row]]:
        while not self._batches:
            self._draw()
        self._num_used += 1
        return self._batches.pop()

    def _draw(self) -> None:
        self._drawn_from = {"rng": self.rng.getstate(), "curriculum": asdict(self.curriculum)}
        self._num_used = 0
        rows = self.sampler.rows(_POOL, self.curriculum, self.settings.dense_share)
        rows = [row for row in rows if (row.skills >= 0).any()]
        groups = packing.in_batches(rows, self.settings.batch_tokens)
        self.rng.shuffle(groups)
        self._batches = [[group, self.sampler.decisions(self.settings.num_decisions)] for group in groups]

    def _redraw(self, drawn_from: dict[str, Any], num_used: int) -> None:
        version, internal, gauss = drawn_from["rng"]
        self.rng.setstate((version, tuple(internal), gauss))
        self.curriculum = Curriculum(**drawn_from["curriculum"])
        self._draw()
        del self._batches[len(self._batches) - num_used :]
        self._num_used = num_used

    def _note(self, right: torch.Tensor, skills: torch.Tensor) -> None:
        for number, skill in enumerate(SKILLS):
            here = right[skills == number]
            if len(here):
                self.accuracy[skill] += 0.05 * (here.float().mean().item() - self.accuracy[skill])

    def _report(self, loss: float, rate: float) -> None:
        accuracy = {skill: round(value, 3) for skill, value in self.accuracy.items()}
        log().info(
            "trained", step=self.step, loss=round(loss, 3), level=self.curriculum.level,
            million_tokens=round(self.num_tokens / 1e6, 2), tokens_per_s=round(rate), **accuracy,
        )  # fmt: skip

    def _measure(self, count: int) -> evaluation.Scores:
        chosen = self.held_out
        if count < len(chosen):
            tasks = sorted({(one.world, one.task) for one in chosen})
            random.Random(1).shuffle(tasks)
            size = max(1, round(len(tasks) * count / len(chosen)))
            kept = set(tasks[:size])
            chosen = [one for one in chosen if (one.world, one.task) in kept]
        scores = evaluation.measure(self.model, self.encoder, chosen, seed=1)
        kinds = {kind: str(found) for kind, found in scores.kinds.items()}
        log().info("measured", step=self.step, steps=str(scores.steps), episodes=str(scores.episodes), **kinds)
        return scores

    def save(self) -> None:
        """Write the checkpoint; it appears whole or not at all."""
        self.work.mkdir(parents=True, exist_ok=True)
        state: dict[str, Any] = {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "drawn_from": self._drawn_from,
            "num_used": self._num_used,
            "curriculum": asdict(self.curriculum),
            "accuracy": self.accuracy,
            "step": self.step,
            "num_tokens": self.num_tokens,
            "settings": self.settings.model_dump(),
        }
        partial = self.work / "state.pt.part"
        torch.save(state, partial)
        os.replace(partial, self.work / "state.pt")  # noqa: PTH105

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one. InvalidArgument when it is of another model."""
        path = self.work / "state.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        if state["settings"]["shape"] != self.settings.shape.model_dump():
            raise InvalidArgument(f"{path} is of a model of another shape; remove it to start anew")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._redraw(state["drawn_from"], state["num_used"])
        self.curriculum = Curriculum(**state["curriculum"])
        self.accuracy.update(state["accuracy"])
        self.step = state["step"]
        self.num_tokens = state["num_tokens"]
        log().info("resumed", step=self.step, level=self.curriculum.level)
