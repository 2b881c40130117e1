"""The process of one pod of a training Job: it brings the job's files, runs the worker on them, and takes results back.

Invariant: what the worker kept is in the shared place before this process ends, with the worker's own exit status; a
pod that is told to go ends with STOPPED, and the next one goes on from there. Of several pods one writes, and the rest
are not done before its result is there: without them it could not take its last steps again.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from services.common.errors import RatchetError, Unavailable
from services.common.telemetry import configure_logging, log
from services.training.adapters.files import SharedFiles
from services.training.ports import STOPPED

# A place that is away at the end is asked again for so long.
_PATIENCE_S = 300.0
# The one that writes has so long to bring the result, once the others have done their share.
_RESULT_S = 600.0
# At the end torchrun waits for those of the other pods, and for longer than this for one that was lost.
_END_S = 30.0
_RESULTS = ("adapter.tar", "model.tar")


def main(arguments: list[str] | None = None) -> int:
    """Run this pod's share of the job; the exit status."""
    parser = argparse.ArgumentParser(prog="services.training.pod", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="where the job's files are put, empty at first")
    parser.add_argument("--files", required=True, help="URL of the job's files")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between looks at what the worker reports")
    parser.add_argument("--nodes", type=int, default=1, help="pods of the job")
    parser.add_argument("--leader", default="", help="host:port of the first of several")
    asked = parser.parse_args(arguments)
    configure_logging("info")
    files, index = SharedFiles(asked.files), int(os.environ.get("JOB_COMPLETION_INDEX", "0"))
    try:
        asked.directory.mkdir(parents=True, exist_ok=True)
        files.pull(asked.directory, lambda name: name not in (*_RESULTS, "error.json"))
    except (RatchetError, OSError) as error:
        log().error("the job's files did not come", why=str(error))
        return STOPPED
    command = [sys.executable, "-m", "services.training.worker", "--job", str(asked.directory)]
    if asked.nodes > 1:
        command += ["--nodes", str(asked.nodes), "--node", str(index), "--leader", asked.leader]
    leash, end = os.pipe()  # the worker stops when this process is gone
    worker = subprocess.Popen(command, stdin=leash)  # noqa: S603
    os.close(leash)
    told = threading.Event()

    def stop(*_: object) -> None:
        told.set()
        worker.terminate()

    signal.signal(signal.SIGTERM, stop)
    status = _follow(worker, files, asked.directory, asked.every, told)
    os.close(end)
    return status if status >= 0 else 128 - status


def _follow(
    worker: subprocess.Popen[bytes], files: SharedFiles, directory: Path, every_s: float, told: threading.Event
) -> int:
    """The worker's status, once all that it kept is there; 0 only with the job's result."""

    def push() -> None:
        # A checkpoint counts the points before it, so these go first.
        files.push(directory, lambda name: name == "progress.jsonl")
        files.push(directory, _is_kept)
        files.prune(directory, lambda name: name.startswith("checkpoints/"))

    until = 0.0
    while (status := _ended(worker, every_s)) in (None, 0):
        try:
            push()
            if files.has(_RESULTS):
                return _dismiss(worker)
        except Unavailable as error:
            log().warning("what the worker keeps stays here for now", why=error.message)
        if status == 0:
            until = until or time.monotonic() + _RESULT_S
            if told.wait(every_s) or time.monotonic() > until:
                return STOPPED
    return status or 0 if _patiently(push) else STOPPED


def _dismiss(worker: subprocess.Popen[bytes]) -> int:
    """0, when a worker whose result is there has ended."""
    if _ended(worker, _END_S) is None:
        worker.terminate()
        worker.wait()
    return 0


def _ended(worker: subprocess.Popen[bytes], within_s: float) -> int | None:
    try:
        return worker.wait(within_s)
    except subprocess.TimeoutExpired:
        return None


def _patiently(call: Callable[[], None]) -> bool:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            call()
        except Unavailable as error:
            if time.monotonic() > until:
                log().error("what the worker kept is lost", why=error.message)
                return False
            time.sleep(1.0)
        else:
            return True


def _is_kept(name: str) -> bool:
    return name in (*_RESULTS, "error.json") or name.startswith(("checkpoints/", "tensorboard/"))


if __name__ == "__main__":
    sys.exit(main())
