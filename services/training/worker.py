"""The process that runs one job: `python -m services.training.worker --job DIR`.

Invariant: it ends with 0 and an adapter, with 1 and the reason in error.json, or with STOPPED and a checkpoint. It
stops on SIGTERM and when whoever started it is gone; two workers never run on one directory. A job of several processes
has one more that starts torchrun, whose processes are workers with a rank; one that is lost ends them all, resumably.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
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
    parser.add_argument("--nodes", type=int, default=1, help="machines that share the job")
    parser.add_argument("--node", type=int, default=0, help="which of them this is, from 0")
    parser.add_argument("--leader", default="", help="host:port at which they meet, on the first")
    asked = parser.parse_args(arguments)
    directory: Path = asked.job
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    threading.Thread(target=_watch_parent, args=(stopping,), daemon=True).start()
    if "RANK" in os.environ:
        return _work(directory, stopping)
    with (directory / "worker.pid").open("a+") as lock:
        # The worker of an earlier life of the room may still be keeping its checkpoint.
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate(0)
        print(os.getpid(), file=lock, flush=True)
        (directory / "error.json").unlink(missing_ok=True)
        num_processes = json.loads((directory / "spec.json").read_text()).get("processes", 1)
        if num_processes * asked.nodes > 1:
            return _supervise(
                directory, [*_meeting(asked), f"--nproc-per-node={num_processes}"], stopping, lock.fileno()
            )
        return _work(directory, stopping)


def _meeting(asked: argparse.Namespace) -> list[str]:
    """Where the job's processes meet, in torchrun's words."""
    if asked.nodes == 1:
        return ["--standalone"]
    # Unlike a static meeting, this one takes a machine that was lost and comes again.
    return [
        f"--nnodes={asked.nodes}",
        "--rdzv-backend=c10d",
        "--rdzv-id=ratchet",
        f"--rdzv-endpoint={asked.leader}",
        f"--rdzv-conf=is_host={int(asked.node == 0)}",
    ]


def _supervise(directory: Path, gathering: list[str], stopping: threading.Event, lock: int) -> int:
    """Run torchrun to its end. It keeps the lock, and its workers stop when this process is gone."""
    leash, end = os.pipe()
    run = [sys.executable, "-m", "torch.distributed.run", *gathering]
    worker = ["--module", "services.training.worker", "--job", str(directory)]
    process = subprocess.Popen([*run, *worker], stdin=leash, pass_fds=(lock,))  # noqa: S603
    os.close(leash)

    def stop() -> None:
        stopping.wait()
        process.terminate()

    threading.Thread(target=stop, daemon=True).start()
    status = process.wait()
    os.close(end)
    if status == 0:
        return 0
    return 1 if (directory / "error.json").exists() else STOPPED


def _work(directory: Path, stopping: threading.Event) -> int:
    try:
        return 0 if _finetune(directory, stopping) else STOPPED
    except RatchetError as error:
        try:
            jobs.write(directory / "error.json", {"error": error.message})
        except RatchetError:
            return UNWRITABLE
        return 1


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
