"""Where WebArena's own tasks are: beside the checkout, since they are no part of this project."""

from __future__ import annotations

from pathlib import Path

TASKS = Path(__file__).parents[2] / "shared" / "data" / "webarena" / "test.raw.json"
MISSING = "WebArena's task file is not beside this checkout"
