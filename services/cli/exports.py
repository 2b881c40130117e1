"""Trajectories as files: JSON lines or Parquet, one row per trajectory, its steps nested.

Invariant: both formats hold the same rows under the same names and types, and a file is there whole or not at all.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from services.common.errors import AlreadyExists

if TYPE_CHECKING:
    from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory

_BATCH = 64
_TEXTS = (
    "name",
    "episode",
    "policy",
    "suite",
    "split",
    "phase",
    "world",
    "task_id",
    "task_json",
    "intent",
    "stop_reason",
    "answer",
    "final_url",
    "error",
    "observation_format",
    "prompt_format",
)
_INTEGERS = ("attempt", "num_steps", "num_prompt_tokens", "num_response_tokens")
_TIMES = ("total_s", "setup_s", "observe_s", "act_s", "model_queue_s", "model_compute_s", "evaluate_s", "store_s")
_STEP_TEXTS = ("url", "observation", "prompt", "response", "action", "error", "screenshot")
_STEP_INTEGERS = ("index", "num_prompt_tokens", "num_response_tokens")
_STEP_REALS = ("observe_s", "model_s", "act_s")

Row = dict[str, Any]


class Written(NamedTuple):
    """What an export wrote."""

    num_trajectories: int
    num_steps: int
    num_bytes: int


def row(found: Trajectory) -> Row:
    """A trajectory as plain data, every column always there; `create_time` in ISO 8601, `seed` as text."""
    return {
        **{name: getattr(found, name) for name in _TEXTS},
        **{name: getattr(found, name) for name in _INTEGERS},
        "state": found.State.Name(found.state).removeprefix("STATE_").lower(),
        "reward": found.reward,
        "seed": str(found.seed),
        "create_time": found.create_time.ToDatetime(tzinfo=UTC).isoformat(),
        "checks": list(found.checks),
        "timings": {name: getattr(found.timings, name) for name in _TIMES},
        "steps": [
            {
                **{name: getattr(step, name) for name in (*_STEP_TEXTS, *_STEP_INTEGERS, *_STEP_REALS)},
                "response_token_ids": list(step.response_token_ids),
                "response_logprobs": list(step.response_logprobs),
                "events": list(step.events),
            }
            for step in found.steps
        ],
    }


def schema() -> Any:
    """The Parquet schema of `row`."""
    import pyarrow as pa

    step = pa.struct(
        [
            *((name, pa.string()) for name in _STEP_TEXTS),
            *((name, pa.int64()) for name in _STEP_INTEGERS),
            *((name, pa.float64()) for name in _STEP_REALS),
            ("response_token_ids", pa.list_(pa.int64())),
            ("response_logprobs", pa.list_(pa.float64())),
            ("events", pa.list_(pa.string())),
        ]
    )
    return pa.schema(
        [
            *((name, pa.string()) for name in _TEXTS),
            *((name, pa.int64()) for name in _INTEGERS),
            ("state", pa.string()),
            ("reward", pa.float64()),
            ("seed", pa.string()),
            ("create_time", pa.string()),
            ("checks", pa.list_(pa.string())),
            ("timings", pa.struct([(name, pa.float64()) for name in _TIMES])),
            ("steps", pa.list_(step)),
        ]
    )


async def write(found: AsyncIterator[Trajectory], file: Path, kind: str, *, force: bool) -> Written:
    """Write them as "jsonl" or "parquet". AlreadyExists when the file is there, unless `force`."""
    if file.exists() and not force:
        raise AlreadyExists(f"{file} is there already; give another --output, or --force to replace it")
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    num_trajectories = num_steps = 0
    batch: list[Row] = []
    try:
        with _WRITERS[kind](partial) as put:
            async for item in found:
                batch.append(row(item))
                num_trajectories += 1
                num_steps += len(item.steps)
                if len(batch) == _BATCH:
                    put(batch)
                    batch.clear()
            put(batch)
        num_bytes = partial.stat().st_size
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    return Written(num_trajectories, num_steps, num_bytes)


@contextmanager
def _jsonl(path: Path) -> Iterator[Callable[[list[Row]], None]]:
    with path.open("w", encoding="utf-8") as file:

        def put(rows: list[Row]) -> None:
            file.writelines(json.dumps(item, ensure_ascii=False) + "\n" for item in rows)

        yield put


@contextmanager
def _parquet(path: Path) -> Iterator[Callable[[list[Row]], None]]:
    import pyarrow as pa
    from pyarrow import parquet

    columns = schema()
    with parquet.ParquetWriter(path, columns, compression="zstd") as file:

        def put(rows: list[Row]) -> None:
            file.write_table(pa.Table.from_pylist(rows, schema=columns))

        yield put


_WRITERS = {"jsonl": _jsonl, "parquet": _parquet}
