"""Where the pages of the PyPI package `miniwob` are.

Invariant: the package's own code never runs (it would load gymnasium and selenium); only its files are read.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from services.arena.errors import NotInstalled

INSTALL = "pip install 'ratchet-agent[miniwob]', then start the arena again"


@dataclass(frozen=True)
class Package:
    """The package's `html` directory and the names of its pages ("click-button"), in order."""

    root: Path
    pages: tuple[str, ...]


def find(directory: str = "", module: str = "miniwob") -> Package:
    """The pages in `directory`, or in the installed package. Raises NotInstalled."""
    root = Path(directory) if directory else _installed(module)
    pages = tuple(sorted(path.stem for path in (root / "miniwob").glob("*.html")))
    if not pages or not (root / "core" / "core.js").is_file():
        raise NotInstalled(f"{root} does not hold the pages of MiniWoB++ (miniwob/*.html, core/core.js)", INSTALL)
    return Package(root, pages)


def _installed(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise NotInstalled(f"the package {module} is not installed", INSTALL)
    return Path(next(iter(spec.submodule_search_locations))) / "html"
