"""Watches the memory of one Chromium's page processes and ends one that needs more than a page may.

Invariant: the browser process and other pages' processes live on; whoever asks why a page died within a few seconds
is told that it was this. Where the system has no /proc, only Chromium's own bound on JavaScript's heap holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

from services.common import telemetry

_EVERY_S = 0.25
_REMEMBERED_S = 5.0
_PROC = Path("/proc")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 when it is gone or the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


class MemoryWatch:
    """The page processes below one browser process."""

    def __init__(self, pid: int, max_bytes: int) -> None:
        self._pid, self.max_bytes = pid, max_bytes
        # Page processes by id: whether they are some, so that a command line is read once.
        self._is_page: dict[int, bool] = {}
        self._ended_at: list[float] = []
        self._task = asyncio.create_task(self._run(), name=f"browser: watch the memory of {pid}")

    def stop(self) -> None:
        """Stop watching; idempotent."""
        self._task.cancel()

    def explains(self) -> bool:
        """Whether a page that is seen to have died was ended here; true once for each."""
        self._ended_at = [ended for ended in self._ended_at if time.monotonic() - ended < _REMEMBERED_S]
        return bool(self._ended_at and self._ended_at.pop(0))

    async def _run(self) -> None:
        while self._pid and _PROC.is_dir():
            await asyncio.sleep(_EVERY_S)
            for pid in self._pages():
                if (used := resident_bytes(pid)) > self.max_bytes:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                        self._ended_at.append(time.monotonic())
                        telemetry.log().warning("page process ended", resident_bytes=used, allowed=self.max_bytes)

    def _pages(self) -> list[int]:
        """The page processes that the browser process started, or those that it started did."""
        found: dict[int, bool] = {}
        work = [self._pid]
        while work:
            for pid in _children(work.pop()):
                found[pid] = self._is_page[pid] if pid in self._is_page else _is_page(pid)
                if not found[pid]:  # a page starts none, and has many threads to ask
                    work.append(pid)
        self._is_page = found
        return [pid for pid, is_page in found.items() if is_page]


def _children(pid: int) -> list[int]:
    """What any thread of the process started."""
    found: list[int] = []
    for children in (_PROC / str(pid) / "task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, children.read_text().split())
    return found


def _is_page(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"--type=renderer" in (_PROC / str(pid) / "cmdline").read_bytes()
    return False
