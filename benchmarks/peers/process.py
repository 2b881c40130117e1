"""Another project's environment in a process and a virtual environment of its own, asked line by line.

Invariant: an answer belongs to the question before it; what a peer measures it measures by its own clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

_HOME = Path("build/bench/peers")
_SCRIPTS = Path(__file__).parent
# What each environment is made of; torch first, so that nothing takes another build of it.
_PACKAGES = {
    "browsergym": [["browsergym-core==0.14.*"]],
    "trl": [["torch==2.13.0"], ["trl==1.16.0", "transformers==5.19.0", "peft==0.21.2"]],
}


def python(environment: str) -> Path:
    """The interpreter that has a peer, installed into build/ on first use."""
    home = _HOME / environment
    interpreter = home / "bin" / "python"
    if not interpreter.exists():
        print(f"installing {environment} into build/ (once)", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        for packages in _PACKAGES[environment]:
            subprocess.run([interpreter, "-m", "pip", "install", "-q", *packages], check=True)
    return interpreter


class Peer:
    """One running script of this folder, e.g. "browsergym_observe", on the given Chromium."""

    def __init__(self, script: str, chromium: str) -> None:
        self._process = subprocess.Popen(
            [python("browsergym"), _SCRIPTS / f"{script}.py", chromium],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
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
