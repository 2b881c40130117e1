"""Rows of a dataset as token ids, and batches of them.

Invariant: prompt and response are encoded apart, as serving does, so the boundary is exact; only the response and
the end token behind it are learnt. The order of an epoch depends on seed and epoch alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from services.common.errors import InvalidArgument

_IGNORED = -100
COLUMNS = ("prompt", "response", "split")


@dataclass(frozen=True)
class Example:
    """A row: the prompt's tokens, then the response's and the end token."""

    token_ids: list[int]
    num_response: int


@dataclass(frozen=True)
class Batch:
    """Left-padded rows; labels are those of the last columns, where the responses are."""

    token_ids: torch.Tensor
    mask: torch.Tensor
    position_ids: torch.Tensor
    labels: torch.Tensor
    num_tokens: int
    num_learnt: int


def read(path: Path, tokenizer: Any, max_tokens: int) -> tuple[list[Example], list[Example]]:
    """Training and validation examples. Raises InvalidArgument for a file without rows or columns."""
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InvalidArgument(f"the dataset is not a Parquet file: {error}; build it again") from error
    lacking = [name for name in COLUMNS if name not in table.column_names]
    if lacking:
        raise InvalidArgument(f"the dataset lacks the columns {', '.join(lacking)}; build it with curation")
    sides: dict[str, list[Example]] = {"train": [], "validation": []}
    for row in table.select(list(COLUMNS)).to_pylist():
        if row["split"] not in sides:
            raise InvalidArgument(f"the dataset has the split {row['split']!r}; only train and validation are known")
        if (example := encode(row["prompt"], row["response"], tokenizer, max_tokens)) is not None:
            sides[row["split"]].append(example)
    if not sides["train"]:
        raise InvalidArgument(
            f"the dataset has no training row of up to {max_tokens} tokens (of {table.num_rows} rows); "
            "keep more trajectories or raise max_tokens"
        )
    return sides["train"], sides["validation"]


def encode(prompt: str, response: str, tokenizer: Any, max_tokens: int) -> Example | None:
    """A row as tokens; a long prompt loses its start. None when the response alone is too long."""
    before = tokenizer.encode(prompt, add_special_tokens=not tokenizer.chat_template, verbose=False)
    learnt = [*tokenizer.encode(response, add_special_tokens=False, verbose=False), tokenizer.eos_token_id]
    room = max_tokens - len(learnt)
    if room < 1 or not before:
        return None
    return Example([*before[-room:], *learnt], len(learnt))


def batches(examples: Sequence[Example], size: int, seed: int, epoch: int) -> list[list[Example]]:
    """An epoch's batches: rows of like length together, in an order of their own."""
    generator = torch.Generator().manual_seed((seed * 1_000_003 + epoch) % 2**63)
    shuffled = torch.randperm(len(examples), generator=generator).tolist()
    by_length = sorted(shuffled, key=lambda index: len(examples[index].token_ids))
    cut = [by_length[start : start + size] for start in range(0, len(by_length), size)]
    order = torch.randperm(len(cut), generator=generator).tolist()
    return [[examples[index] for index in cut[place]] for place in order]


def collate(examples: Sequence[Example], padding: int, device: torch.device) -> Batch:
    """Rows side by side, ending in the same column, so that only the last columns need the output layer."""
    width = max(len(example.token_ids) for example in examples)
    learnt = max(example.num_response for example in examples)
    ids = torch.full((len(examples), width), padding, dtype=torch.long)
    mask = torch.zeros(len(examples), width, dtype=torch.bool)
    labels = torch.full((len(examples), learnt), _IGNORED, dtype=torch.long)
    for row, example in enumerate(examples):
        tokens = torch.tensor(example.token_ids)
        ids[row, width - len(tokens) :] = tokens
        mask[row, width - len(tokens) :] = True
        labels[row, learnt - example.num_response :] = tokens[-example.num_response :]
    positions = (mask.long().cumsum(-1) - 1).clamp_(min=0)
    return Batch(
        ids.to(device),
        mask.to(device),
        positions.to(device),
        labels.to(device),
        sum(len(example.token_ids) for example in examples),
        sum(example.num_response for example in examples),
    )
