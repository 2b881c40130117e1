"""Memory of a room's Chromium processes, shared pages counted once (proportional set size).

Invariant: a figure is taken when the processes have come to rest: warm ones may still be starting.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path

_PROC = Path("/proc")
_PAUSE_S = 0.5


def can_be_read() -> bool:
    """Whether this system tells it."""
    return (_PROC / "self" / "smaps_rollup").exists()


async def settled_mib(pid: int) -> float:
    """MiB of all Chromium processes below this one, once two readings differ by less than 1 % and in no process."""
    last = _chromium_kib(pid)
    for _ in range(20):
        await asyncio.sleep(_PAUSE_S)
        now = _chromium_kib(pid)
        total = sum(now.values())
        if now.keys() == last.keys() and abs(total - sum(last.values())) <= total / 100:
            break
        last = now
    return sum(now.values()) / 1024


def _chromium_kib(pid: int) -> dict[int, int]:
    """Proportional set size by process."""
    children: dict[int, list[int]] = defaultdict(list)
    for stat in _PROC.glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        children[parent].append(int(stat.parent.name))
    found, below = {}, list(children[pid])
    while below:
        process = below.pop()
        below.extend(children[process])
        try:
            command = (_PROC / str(process) / "cmdline").read_bytes()
            rollup = (_PROC / str(process) / "smaps_rollup").read_text()
        except OSError:
            continue
        if b"--headless" in command or b"--type=" in command:
            found[process] = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return found
