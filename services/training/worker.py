"""The process that runs one job: `python -m services.training.worker --job DIR`.

Invariant: it ends with 0 and an adapter, with 1 and the reason in error.json, or with STOPPED and a checkpoint. It
stops on SIGTERM and when whoever started it is gone; two workers never run on one directory.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import threading
from pathlib import Path

from services.common.errors import RatchetError
from services.training import jobs
from services.training.ports import STOPPED, UNWRITABLE


def main(arguments: list[str] | None = None) -> int:
    """Run the job of a directory; the exit status."""
    parser = argparse.ArgumentParser(prog="services.training.worker", description=__doc__)
    parser.add_argument("--job", type=Path, required=True, help="the job's directory")
    directory: Path = parser.parse_args(arguments).job
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    threading.Thread(target=_watch_parent, args=(stopping,), daemon=True).start()
    with (directory / "worker.pid").open("a+") as lock:
        # The worker of an earlier life of the room may still be keeping its checkpoint.
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        (directory / "error.json").unlink(missing_ok=True)
        try:
            done = _finetune(directory, stopping)
        except RatchetError as error:
            try:
                jobs.write(directory / "error.json", {"error": error.message})
            except RatchetError:
                return UNWRITABLE
            return 1
    return 0 if done else STOPPED


def _finetune(directory: Path, stopping: threading.Event) -> bool:
    from services.training.adapters import finetuning

    return finetuning.run(directory, stopping.is_set)


def _watch_parent(stopping: threading.Event) -> None:
    """The standard input is a pipe from the room, on which it never writes."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stopping.set()


if __name__ == "__main__":
    sys.exit(main())
