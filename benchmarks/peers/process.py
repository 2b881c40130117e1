"""Another project's environment in a process and a virtual environment of its own, asked line by line.

Invariant: an answer belongs to the question before it; what a peer measures it measures by its own clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_HOME = Path("build/bench/peers/browsergym")
_SCRIPTS = Path(__file__).parent


def _python() -> Path:
    """The interpreter that has BrowserGym, installed into build/ on first use."""
    python = _HOME / "bin" / "python"
    if not python.exists():
        print("installing BrowserGym into build/ (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", _HOME], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "browsergym-core==0.14.*"], check=True)
    return python


class Peer:
    """One running script of this folder, e.g. "browsergym_observe", on the given Chromium."""

    def __init__(self, script: str, chromium: str) -> None:
        self._process = subprocess.Popen(
            [_python(), _SCRIPTS / f"{script}.py", chromium], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, **question: object) -> dict[str, Any]:
        """The peer's answer to a question; fails when the peer died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
