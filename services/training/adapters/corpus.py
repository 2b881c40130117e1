"""A dataset as files of tokens, written once and then read in any order.

Invariant: of a dataset of any size, no more is in memory than the batch at hand and what the system caches of the
files; the files are there whole or not at all.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from services.common.errors import InvalidArgument
from services.training.adapters import examples
from services.training.adapters.examples import Example

COLUMNS = ("prompt", "response", "split")
_SIDES = ("train", "validation")
# Rows encoded at a time.
_CHUNK = 512


@dataclass(frozen=True)
class Corpus:
    """The rows of one side, in the dataset's order."""

    tokens: np.ndarray[Any, Any]
    ends: np.ndarray[Any, Any]
    responses: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> Example:
        start = int(self.ends[row - 1]) if row else 0
        return Example(self.tokens[start : int(self.ends[row])].tolist(), int(self.responses[row]))

    @property
    def lengths(self) -> np.ndarray[Any, Any]:
        """Tokens of each row."""
        return np.diff(self.ends, prepend=0)

    @property
    def num_learnt(self) -> int:
        """Tokens of all responses."""
        return int(self.responses.sum())


def build(path: Path, tokenizer: Any, max_tokens: int, home: Path) -> tuple[Corpus, Corpus]:
    """Training and validation rows of a Parquet file. Raises InvalidArgument for one that cannot be learnt from."""
    if not home.is_dir():
        scratch = home.with_suffix(".part")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            _write(path, tokenizer, max_tokens, scratch)
        except (pa.ArrowInvalid, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # the disk's, not the file's
                raise
            raise InvalidArgument(f"the dataset is not a Parquet file: {error}; build it again") from error
        scratch.replace(home)
    train, validation = (_read(home, side) for side in _SIDES)
    if not len(train):
        num_rows = pq.ParquetFile(path).metadata.num_rows
        raise InvalidArgument(
            f"the dataset has no training row of up to {max_tokens} tokens (of {num_rows} rows); "
            "keep more trajectories or raise max_tokens"
        )
    return train, validation


def _write(path: Path, tokenizer: Any, max_tokens: int, home: Path) -> None:
    source = pq.ParquetFile(path)
    lacking = [name for name in COLUMNS if name not in source.schema_arrow.names]
    if lacking:
        raise InvalidArgument(f"the dataset lacks the columns {', '.join(lacking)}; build it with curation")
    with ExitStack() as stack:
        files = {
            (side, kind): stack.enter_context((home / f"{side}.{kind}").open("wb"))
            for side in _SIDES
            for kind in ("tokens", "ends", "responses")
        }
        ends = dict.fromkeys(_SIDES, 0)
        for chunk in source.iter_batches(_CHUNK, columns=list(COLUMNS)):
            rows = chunk.to_pydict()
            encoded = examples.encode(rows["prompt"], rows["response"], tokenizer, max_tokens)
            for side, example in zip(rows["split"], encoded, strict=True):
                if side not in ends:
                    raise InvalidArgument(f"the dataset has the split {side!r}; only train and validation are known")
                if example is not None:
                    ends[side] += len(example.token_ids)
                    files[side, "tokens"].write(np.array(example.token_ids, np.uint32).tobytes())
                    files[side, "ends"].write(np.int64(ends[side]).tobytes())
                    files[side, "responses"].write(np.int32(example.num_response).tobytes())


def _read(home: Path, side: str) -> Corpus:
    def mapped(kind: str, dtype: Any) -> np.ndarray[Any, Any]:
        path = home / f"{side}.{kind}"
        return np.memmap(path, dtype, "r") if path.stat().st_size else np.zeros(0, dtype)

    return Corpus(mapped("tokens", np.uint32), mapped("ends", np.int64), mapped("responses", np.int32))
