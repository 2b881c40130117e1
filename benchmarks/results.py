"""Where a benchmark's result goes: build/bench/NAME.json, with the machine that it was measured on."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any


def write(name: str, result: dict[str, Any]) -> None:
    """Write it and say where."""
    path = Path("build/bench") / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    machine = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2), "python": platform.python_version()}
    path.write_text(json.dumps({"name": name, "machine": machine, **result}, indent=2) + "\n")
    print(f"written to {path}; load {machine['load']} on {machine['cores']} cores")
