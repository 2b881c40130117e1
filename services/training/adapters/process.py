"""Workers as child processes of the room.

Invariant: a child never outlives the room: its standard input is a pipe that ends when the room does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from pathlib import Path

from services.common.errors import FailedPrecondition

_QUIET = {
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Threads that spin for work make a step four times as long once others want the cores.
    "OMP_WAIT_POLICY": "passive",
}


class ChildProcess:
    """ports.Process over an asyncio child."""

    def __init__(self, process: asyncio.subprocess.Process, leash: int) -> None:
        self._process = process
        # The writing end of the child's standard input.
        self._leash: int | None = leash

    async def wait(self) -> int:
        """Its exit status."""
        status = await self._process.wait()
        if self._leash is not None:
            os.close(self._leash)
            self._leash = None
        return status

    def stop(self) -> None:
        """SIGTERM."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    release = stop

    def kill(self) -> None:
        """SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


class ChildLauncher:
    """ports.Launcher: the interpreter of the room, started afresh (never forked with its threads)."""

    async def start(self, directory: Path) -> ChildProcess:
        """Run the job's worker; what it prints goes to worker.log."""
        reading, writing = os.pipe()
        try:
            with (directory / "worker.log").open("ab") as output:
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "services.training.worker",
                    "--job",
                    str(directory),
                    stdin=reading,
                    stdout=output,
                    stderr=output,
                    # A Ctrl-C at the terminal is the room's to answer.
                    start_new_session=True,
                    env={**_QUIET, **os.environ},
                )
        except OSError as error:
            os.close(writing)
            raise FailedPrecondition(f"cannot start a training worker: {error}; check memory and disk") from error
        finally:
            os.close(reading)
        return ChildProcess(process, writing)
