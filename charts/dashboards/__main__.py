"""Write the dashboards: `python -m charts.dashboards` (all of them), or `... DIRECTORY` for another place.

Invariant: the files are what this code generates; a test compares them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from charts.dashboards import fleet, iterations, model, training

PLACE = Path(__file__).parents[1] / "ratchet/dashboards"
BOARDS = {"iterations": iterations.board, "fleet": fleet.board, "model": model.board, "training": training.board}


def generated() -> dict[str, str]:
    """The files by name."""
    return {
        f"{name}.json": JSONEncoder(sort_keys=True, indent=2).encode(board()) + "\n" for name, board in BOARDS.items()
    }


def write(place: Path) -> None:
    """Put them there."""
    place.mkdir(parents=True, exist_ok=True)
    for name, text in generated().items():
        (place / name).write_text(text)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else PLACE)
