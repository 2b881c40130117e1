"""A dataset's card as a page, and a dataset as a directory."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from google.protobuf.struct_pb2 import Struct
from pyarrow import parquet

from ratchet.trajectory.v1.trajectory_service_pb2 import Dataset
from services.cli import dataset_files, dataset_text
from services.common.errors import AlreadyExists
from services.curation.adapters.parquet import Parquet
from services.curation.rows import Row

CARD = {
    "parents": ["iterations/i1"],
    "mixture": "B",
    "rows": "paper",
    "seed": "42",
    "validation_fraction": 0.1,
    "filter_name": "paper",
    "num_plausible": 6,
    "num_kept_trajectories": 5,
    "num_tasks": 5,
    "model": "ratchet-tiny",
    "adapter": "feedfacecafe0123",
    "sources": {"synthetic": 3, "in-domain": 4},
    "filter": {
        "iterations/i1": {
            "num_trajectories": 9,
            "num_plausible": 6,
            "num_rewarded": 4,
            "precision": 0.5,
            "recall": 0.75,
            "f1": 0.6,
            "broken_rules": {"gave_up": 1, "early_stop": 2},
        }
    },
    "synthesis": {
        "writer": "grammar",
        "about": "Pages are drawn from a grammar.",
        "num_rows": 3,
        "num_objectives": 16,
        "max_cosine": 0.7,
        "share_as_planned": 0.25,
        "refused": {"similar": 2, "not_on_page": 11},
    },
}
ROWS = [
    *(Row(f"prompt {n}", "a\nACTION: click [1]", "train", "t", n, "in-domain") for n in range(6)),
    Row("prompt 6", "b\nACTION: stop [x | y]", "validation", "u", 0, "in-domain"),
]


@pytest.fixture
def dataset() -> Dataset:
    card = Struct()
    card.update(CARD)
    return Dataset(name="datasets/0123456789ab", blob="blobs/0", num_train_rows=6, num_validation_rows=1, card=card)


def test_the_page_tells_sources_filter_and_synthesis(dataset: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    dataset_text.describe(dataset)
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    for line in (
        "sources 4 in-domain, 3 synthetic",
        "mixture B: in-domain rows, and as many synthetic ones",
        "model ratchet-tiny with adapter feedfacecafe",
        "attempts 5 kept of 6 plausible ones",
        "held out 10.0 % to validate",
        "iterations/i1 9 6 4 50.0 % 75.0 % 0.60 2 early_stop, 1 gave_up",
        "writer grammar. Pages are drawn from a grammar.",
        "rows 3 of 16 objectives",
        "as planned 25.0 % of actions (a diagnostic)",
    ):
        assert line in said
    assert said.index("not_on_page 11") < said.index("similar 2")


def test_a_card_of_an_earlier_version_is_told_without_what_it_lacks(
    dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.card.Clear()
    dataset_text.describe(dataset)
    said = capsys.readouterr().out
    assert "datasets/0123456789ab" in said
    assert "synthetic" not in said
    assert "held out" not in said


def test_an_export_has_a_file_a_split_and_a_card_that_names_them(dataset: Dataset, tmp_path: Path) -> None:
    counts = dataset_files.write(dataset, Parquet().encode(ROWS), tmp_path / "a" / "b", force=False)
    assert counts == {"train": 6, "validation": 1}
    files = {path.name: path for path in (tmp_path / "a" / "b").iterdir()}
    assert sorted(files) == ["README.md", "train.parquet", "validation.parquet"]
    kept = [row for split in counts for row in parquet.read_table(files[f"{split}.parquet"]).to_pylist()]
    assert [row["prompt"] for row in kept] == [f"prompt {n}" for n in range(7)]
    assert list(kept[0]) == ["prompt", "response", "trajectory", "step", "source"]
    _, front, body = files["README.md"].read_text().split("---\n", 2)
    told = yaml.safe_load(front)
    assert told["configs"] == [
        {
            "config_name": "default",
            "data_files": [{"split": split, "path": f"{split}.parquet"} for split in ("train", "validation")],
        }
    ]
    assert told["size_categories"] == ["n<1K"]
    assert "| not_on_page | 11 |" in body
    assert "- **sources**: 4 in-domain, 3 synthetic" in body


def test_an_export_over_something_is_refused_unless_forced_and_leaves_other_files(
    dataset: Dataset, tmp_path: Path
) -> None:
    dataset_files.write(dataset, Parquet().encode(ROWS), tmp_path, force=False)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(AlreadyExists, match="--force"):
        dataset_files.write(dataset, Parquet().encode(ROWS), tmp_path, force=False)
    assert dataset_files.write(dataset, Parquet().encode(ROWS[:6]), tmp_path, force=True) == {"train": 6}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "notes.txt", "train.parquet"]
    assert "validation.parquet" not in (tmp_path / "README.md").read_text()
