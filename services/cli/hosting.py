"""A host for commands that need one: found, started in the background, stopped.

Invariant: only a host that this command started is stopped by it (`ratchet down` stops the one on --home).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from services.cli import output
from services.cli.client import NoHost
from services.cli.invocation import Invocation
from services.common.addresses import ROOMS, socket_directory
from services.common.errors import DeadlineExceeded, FailedPrecondition

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 30.0
_POLL_S = 0.15


class HostFailed(FailedPrecondition):
    """The host that was started ended before it served."""

    reason = "HOST_FAILED"


async def healthy(at: Invocation, room: str) -> bool:
    """Whether that room answers; the arena, which has no gRPC, by its address file."""
    from services.common.rpc.server import is_serving

    if room == "arena":
        return at.is_remote or (socket_directory(at.home) / "arena.url").exists()
    address = at.addresses().address(room)
    if address.startswith("unix:") and not Path(address.removeprefix("unix:")).exists():
        return False
    return await is_serving(address)


async def all_healthy(at: Invocation) -> bool:
    """Whether every room answers."""
    return all(await asyncio.gather(*(healthy(at, room) for room in ROOMS)))


def owners(home: Path) -> dict[str, int]:
    """Which process runs which room on this home; only rooms that run."""
    found: dict[str, int] = {}
    for room in ROOMS:
        with suppress(FileNotFoundError), (socket_directory(home) / f"{room}.lock").open() as file:
            text = file.read().strip()
            # The lock is only tried where its owner is alive: trying a free one could trip a host that starts.
            if text.isdigit() and _is_alive(int(text)) and not _lock(file):
                found[room] = int(text)
    return found


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@asynccontextmanager
async def host(at: Invocation) -> AsyncIterator[bool]:
    """A host that answers while the block runs; yields whether it was started for it.

    One that was started goes on after the block (`ratchet down` stops it), unless the block is interrupted or fails.
    Raises NoHost for a remote that does not answer, HostFailed when the start fails.
    """
    if at.is_remote:
        if not await healthy(at, "orchestrator"):
            raise NoHost(f"no host answers at {', '.join(at.server)}; check --server")
        yield False
        return
    if owners(at.home):
        await _wait(at, None)
        yield False
        return
    process = _start(at)
    try:
        is_ours = await _wait(at, process)
        yield is_ours
    except BaseException:
        await asyncio.shield(stop(at, process))
        raise
    if is_ours:
        output.note(f"the host that this command started goes on; `{at.again('down')}` stops it")


def log_path(at: Invocation) -> Path:
    """Log of the host in the background."""
    return at.home / "log" / "host.log"


def _start(at: Invocation) -> subprocess.Popen[bytes]:
    path = log_path(at)
    path.parent.mkdir(parents=True, exist_ok=True)
    arguments = [sys.executable, "-m", "services.cli", "--home", str(at.home)]
    if at.config is not None:
        arguments += ["--config", str(at.config)]
    output.note(f"no host runs on {at.home}: starting one (log: {path})")
    # Not asyncio's subprocess: that one kills its child when this command's loop ends.
    with path.open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - ourselves
            [*arguments, "up"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


async def _wait(at: Invocation, process: subprocess.Popen[bytes] | None) -> bool:
    """Wait until every room answers; whether it is that process which serves them."""
    said = False
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await all_healthy(at):
                if process is not None and process.poll() is not None:
                    # Another command may have started one at the same moment, and won.
                    if owners(at.home):
                        process = None
                        continue
                    raise HostFailed(f"the host could not start:\n{_tail(log_path(at))}\nlog: {log_path(at)}")
                if process is None and not owners(at.home):
                    raise NoHost(f"the host on {at.home} went away; start it with `{at.again('up')}`")
                if process is None and not said:
                    said = True
                    output.note(f"waiting for the rooms of the host on {at.home}")
                await asyncio.sleep(_POLL_S)
            return process is not None
    except TimeoutError:
        silent = [room for room in ROOMS if not await healthy(at, room)]
        raise DeadlineExceeded(
            f"the host did not get ready in {START_TIMEOUT_S:.0f} s: {', '.join(silent)} did not answer; "
            f"see {log_path(at)}, or run `{at.again('doctor')}`"
        ) from None


def _tail(path: Path, lines: int = 6) -> str:
    with path.open(errors="replace") as file:
        return "".join(deque(file, lines)).rstrip() or "(it said nothing)"


async def stop(at: Invocation, process: subprocess.Popen[bytes] | None = None) -> dict[str, int]:
    """End that process, or whatever hosts rooms on --home; returns the rooms that ran, with their process.

    DeadlineExceeded when a room is still held after STOP_TIMEOUT_S.
    """
    rooms = owners(at.home)
    pids = set(rooms.values()) if process is None else {process.pid} if process.poll() is None else set()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            while pids & set(owners(at.home).values()):  # noqa: ASYNC110 - another process's locks make no event
                await asyncio.sleep(_POLL_S)
            while process is not None and process.poll() is None:  # noqa: ASYNC110
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise DeadlineExceeded(
            f"process {', '.join(map(str, sorted(pids)))} did not end in {STOP_TIMEOUT_S:.0f} s; "
            "it may be finishing its calls: look again, or end it with kill -9 (nothing is lost)"
        ) from None
    return rooms
