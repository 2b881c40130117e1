"""A dataset as a directory that `datasets.load_dataset` reads: a Parquet file a split, and the card as README.md.

Invariant: a file is there whole or not at all, and the files hold every row of the dataset once; other files that stand
in the directory are left alone.
"""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from services.cli import dataset_text
from services.common.errors import AlreadyExists

if TYPE_CHECKING:
    from ratchet.trajectory.v1.trajectory_service_pb2 import Dataset

SPLITS, README = ("train", "validation"), "README.md"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def write(found: Dataset, content: bytes, directory: Path, *, force: bool) -> dict[str, int]:
    """Write it; rows by split. `content` is its Parquet file. AlreadyExists when the directory holds something, unless
    `force`, which replaces an earlier export there.
    """
    if directory.exists() and any(directory.iterdir()) and not force:
        raise AlreadyExists(f"{directory} is not empty; give another directory, or --force to replace the export in it")
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export", dir=directory) as partial:
        counts = _tables(content, Path(partial))
        (Path(partial) / README).write_text(readme(found, counts), encoding="utf-8")
        for name in (*(f"{split}.parquet" for split in SPLITS), README):
            if (Path(partial) / name).exists():
                (Path(partial) / name).replace(directory / name)
            else:
                (directory / name).unlink(missing_ok=True)
    return counts


def _tables(content: bytes, directory: Path) -> dict[str, int]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table, counts = pq.read_table(io.BytesIO(content)), {}
    for split in SPLITS:
        rows = table.filter(pc.field("split") == split).drop_columns("split")
        if rows.num_rows:
            pq.write_table(rows, directory / f"{split}.parquet", compression="zstd")
            counts[split] = rows.num_rows
    return counts


def readme(found: Dataset, counts: dict[str, int]) -> str:
    """The dataset card: YAML that names the splits, then what the store's card tells."""
    total = sum(counts.values())
    size = next((name for limit, name in _SIZES if total < limit), "n>1M")
    front = ["---", f"pretty_name: {found.name}", "tags:", "- web-agent", "- ratchet", f"size_categories:\n- {size}"]
    front += ["configs:", "- config_name: default", "  data_files:"]
    for split in counts:
        front += [f"  - split: {split}", f"    path: {split}.parquet"]
    return (
        "\n".join(front)
        + f"""
---

# {found.name}

Training rows of a web agent, made by Ratchet from the agent's own attempts. Columns: `prompt` (as the model saw it),
`response` (thought and action), `trajectory` and `step` (where the row is from), `source` (in-domain or synthetic).

    from datasets import load_dataset
    rows = load_dataset("this directory")

{dataset_text.markdown(found)}"""
    )
