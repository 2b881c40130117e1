"""Exports hold the same rows in both formats, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from pyarrow import parquet

from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory
from services.cli import exports
from services.common.errors import AlreadyExists, Unavailable


async def _stream(items: list[Trajectory], fail: bool = False) -> AsyncIterator[Trajectory]:
    for item in items:
        yield item
    if fail:
        raise Unavailable("the host went away")


async def test_both_formats_hold_the_same_rows(tmp_path: Path, trajectories: list[Trajectory]) -> None:
    trajectories[0].steps[0].response_token_ids.extend([5, 6])
    trajectories[0].steps[0].response_logprobs.extend([-0.5, -1.25])
    many = trajectories * 4
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    written = await exports.write(_stream(many), lines, "jsonl", force=False)
    await exports.write(_stream(many), table, "parquet", force=False)
    from_lines = [json.loads(line) for line in lines.read_text().splitlines()]
    assert from_lines == parquet.read_table(table).to_pylist()
    assert written.num_trajectories == len(many)
    assert written.num_steps == sum(len(item.steps) for item in many)
    first = from_lines[0]
    assert first["seed"] == str(2**63 + 7)
    assert first["steps"][0]["response_token_ids"] == [5, 6]
    assert {row["state"] for row in from_lines} == {"succeeded", "failed"}


async def test_an_export_of_nothing_is_a_file_with_its_columns(tmp_path: Path) -> None:
    table = tmp_path / "none.parquet"
    await exports.write(_stream([]), table, "parquet", force=False)
    assert parquet.read_schema(table).names == exports.schema().names
    assert parquet.read_table(table).num_rows == 0


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
async def test_an_export_that_fails_leaves_nothing_behind(
    tmp_path: Path, trajectories: list[Trajectory], kind: str
) -> None:
    with pytest.raises(Unavailable):
        await exports.write(_stream(trajectories, fail=True), tmp_path / "a", kind, force=False)
    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_there_is_only_replaced_when_asked(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("mine")
    with pytest.raises(AlreadyExists, match="--force"):
        await exports.write(_stream([]), file, "jsonl", force=False)
    assert file.read_text() == "mine"
    await exports.write(_stream([]), file, "jsonl", force=True)
    assert file.read_text() == ""
