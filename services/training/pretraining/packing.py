"""Many questions on one page, in one sequence.

Invariant: positions and mask make each question see exactly the page and itself, as if it stood alone, so
one pass over the page serves all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from services.training.pretraining.encoding import Segment, Tokens

ID_SKILL = "id"
_PADDING = -1
_PAGE = 0


class Row(NamedTuple):
    """One packed sequence. `parts` is 0 on the page and n on the nth question."""

    tokens: Tokens
    positions: Tokens
    parts: Tokens
    # Index of the skill that a token's prediction counts for, -1 where nothing is learnt.
    skills: Tokens

    @property
    def length(self) -> int:
        return len(self.tokens)


class Batch(NamedTuple):
    """Rows as tensors: inputs, positions, an additive attention mask, targets and where they count."""

    tokens: torch.Tensor
    positions: torch.Tensor
    mask: torch.Tensor
    targets: torch.Tensor
    skills: torch.Tensor
    parts: torch.Tensor
    num_tokens: int


def pack(page: Tokens, segments: list[Segment], skill_names: list[str], ids: range = range(0), gap: int = 0) -> Row:
    """One row of a page and the questions on it; answers' tokens among `ids` count for the skill "id".

    `gap` positions are left out after the page, as if it were so much longer.
    """
    tokens, positions = [page], [np.arange(len(page))]
    parts, skills = [np.zeros(len(page), np.int64)], [np.full(len(page), -1)]
    for number, segment in enumerate(segments, 1):
        given, answer = len(segment.given), len(segment.answer)
        tokens += [segment.given, segment.answer]
        positions.append(len(page) + gap + np.arange(given + answer))
        parts.append(np.full(given + answer, number))
        skill = np.full(answer, skill_names.index(segment.skill))
        if ids:
            skill[(segment.answer >= ids.start) & (segment.answer < ids.stop)] = skill_names.index(ID_SKILL)
        skills += [np.full(given, -1), skill]
    return Row(*(np.concatenate(column) for column in (tokens, positions, parts, skills)))


def collate(rows: list[Row], pad: int) -> Batch:
    """Rows of similar length, padded to the longest, shifted by one for next-token prediction."""
    longest = max(row.length for row in rows)

    def padded(column: str, filler: int) -> torch.Tensor:
        table = np.full((len(rows), longest), filler, dtype=np.int64)
        for number, row in enumerate(rows):
            table[number, : row.length] = getattr(row, column)
        return torch.from_numpy(table)

    tokens, parts, skills = padded("tokens", pad), padded("parts", _PADDING), padded("skills", -1)
    inputs = longest - 1
    visible = (parts[:, None, :] == _PAGE) | (parts[:, None, :] == parts[:, :, None])
    visible &= torch.ones(longest, longest, dtype=torch.bool).tril()
    # A padding token sees itself, so that no softmax is over nothing.
    visible |= torch.eye(longest, dtype=torch.bool)
    mask = torch.zeros(len(rows), 1, inputs, inputs, dtype=torch.bfloat16)
    mask.masked_fill_(~visible[:, None, :inputs, :inputs], float("-inf"))
    return Batch(
        tokens[:, :inputs],
        padded("positions", 0)[:, :inputs],
        mask,
        tokens[:, 1:],
        skills[:, 1:],
        parts[:, 1:],
        sum(row.length for row in rows),
    )


def in_batches(rows: list[Row], max_tokens: int) -> list[list[Row]]:
    """Groups of rows of similar length, each of about `max_tokens` with padding (at least one row)."""
    groups: list[list[Row]] = []
    for row in sorted(rows, key=lambda row: -row.length):
        if groups and (len(groups[-1]) + 1) * groups[-1][0].length <= max_tokens:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups
