"""How good a checkpoint is without a browser: exact match of whole responses on steps of held-out worlds.

Teacher-forced: a response counts when the most likely token is the right one at every place, which is the
same as decoding it greedily. An episode counts when all its steps do.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import NamedTuple

import torch
from transformers import Qwen2ForCausalLM

from services.training.pretraining import encoding, packing
from services.training.pretraining.demonstrations import Demonstration
from services.training.pretraining.encoding import Encoder, Page
from services.training.pretraining.sampling import query_of


class Count(NamedTuple):
    """How many of how many."""

    right: int
    of: int

    @property
    def share(self) -> float:
        """The proportion; 0 of nothing."""
        return self.right / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.share:.3f} ({self.right}/{self.of})"


class Scores(NamedTuple):
    """Exact matches by step, by episode, by kind of action, and by template (task id // 1000)."""

    steps: Count
    episodes: Count
    kinds: dict[str, Count]
    templates: dict[int, Count]
    missed: list[tuple[Demonstration, str]]


def measure(
    model: Qwen2ForCausalLM, encoder: Encoder, demonstrations: list[Demonstration], *, seed: int, max_tokens: int = 8192
) -> Scores:
    """Score every demonstration; ids are turned at random, deterministically in `seed`."""
    rng = random.Random(seed)
    rows: list[packing.Row] = []
    asked: dict[int, list[Demonstration]] = {}
    for page in encoding.gather(demonstrations):
        for start in range(0, len(page.demonstrations), 12):
            some = page.demonstrations[start : start + 12]
            row = _row(encoder, page, some, rng.randrange(1000))
            rows.append(row)
            asked[id(row)] = some
    verdicts: list[tuple[Demonstration, str]] = []
    training = model.training
    model.train(False)
    for group in packing.in_batches(rows, max_tokens):
        batch = packing.collate(group, int(encoder.tokenizer.pad_token_id))
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = model(
                input_ids=batch.tokens, position_ids=batch.positions, attention_mask=batch.mask, use_cache=False
            ).logits.argmax(-1)
        for number, row in enumerate(group):
            for part, demonstration in enumerate(asked[id(row)], 1):
                here = (batch.parts[number] == part) & (batch.skills[number] >= 0)
                guess, wanted = predicted[number][here], batch.targets[number][here]
                wrong = "" if torch.equal(guess, wanted) else str(encoder.tokenizer.decode(guess.tolist()))
                verdicts.append((demonstration, wrong))
    model.train(training)
    return _counted(verdicts)


def _row(encoder: Encoder, page: Page, some: list[Demonstration], by: int) -> packing.Row:
    segments = [encoder.turn_answer(encoder.segment(query_of(one), ends=True), by) for one in some]
    return packing.pack(encoder.turn(encoder.page(page.text), by), segments, ["demo"])


def _counted(verdicts: list[tuple[Demonstration, str]]) -> Scores:
    kinds: dict[str, list[bool]] = defaultdict(list)
    episodes: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for demonstration, wrong in verdicts:
        kinds[demonstration.kind].append(not wrong)
        episodes[demonstration.world, demonstration.task].append(not wrong)
    templates: dict[int, list[bool]] = defaultdict(list)
    for (_, task), steps in episodes.items():
        templates[task // 1000].append(all(steps))
    whole = [all(steps) for steps in episodes.values()]
    return Scores(
        _count([not wrong for _, wrong in verdicts]),
        _count(whole),
        {kind: _count(found) for kind, found in sorted(kinds.items())},
        {template: _count(found) for template, found in sorted(templates.items())},
        [(demonstration, wrong) for demonstration, wrong in verdicts if wrong],
    )


def _count(found: list[bool]) -> Count:
    return Count(sum(found), len(found))
