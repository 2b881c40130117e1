"""The paper's experiment from nothing: `make bench NAME=paper` (QUICK=1: a small one). Asked for again, it goes on.

`relative_gain_heldout` is the headline's gain over the base on held-out instances as a share of the base's score,
`gain_low95` the lower end of the gain's paired 95 % interval in percentage points.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from benchmarks import results
from services.cli.__main__ import main as ratchet

HOME = Path("build/bench-paper")


def main() -> None:
    """Run it on a home of its own, print the tables, write build/bench/paper.json."""
    quick = bool(os.environ.get("QUICK"))
    folder = HOME / ("report-quick" if quick else "report")
    shared = ["--home", str(HOME)]
    if code := ratchet([*shared, "experiment", "paper", "--output", str(folder), *(["--quick"] if quick else [])]):
        raise SystemExit(code)
    ratchet([*shared, "down"])
    found = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    kept = {name: found[name] for name in ("ratios", "provenance", "gains")}
    results.write("paper", {"quick": quick, **kept})


if __name__ == "__main__":
    main()
