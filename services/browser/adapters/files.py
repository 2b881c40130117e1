"""A session's files, where Chromium can read them.

Invariant: nothing is on disk before a file is first uploaded, and nothing after `remove`; nobody else can read it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path


class Files:
    """Contents by name, and a private directory for those that were asked for."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._written: dict[str, Path] = {}

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._contents)

    async def paths(self, names: Sequence[str]) -> list[Path]:
        """Where the files of these names are; the same place each time. Raises KeyError, OSError."""
        missing = [name for name in names if name not in self._written]
        if missing:
            await asyncio.to_thread(self._write, missing)
        return [self._written[name] for name in names]

    def remove(self) -> None:
        """Delete what was written; idempotent."""
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None
            self._written.clear()

    def _write(self, names: Sequence[str]) -> None:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="ratchet-files-", ignore_cleanup_errors=True)
        for name in names:
            path = Path(self._directory.name, name)
            path.write_bytes(self._contents[name])
            self._written[name] = path
