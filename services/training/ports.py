"""What the training room needs of the world: a place to run the worker of a job."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

# Exit status of a worker that was told to stop and kept a checkpoint.
STOPPED = 75
# Exit status of a worker that could not write down why it gave up.
UNWRITABLE = 74


class Process(Protocol):
    """A worker that runs."""

    async def wait(self) -> int:
        """Its exit status; negative is the signal that killed it. May be awaited again, and by several."""
        ...

    def stop(self) -> None:
        """Ask it to keep a checkpoint and end. Idempotent; no error when it has ended."""
        ...

    def release(self) -> None:
        """The room ends: one that cannot outlive it is asked to stop, another goes on, to be taken up by `start`.

        `wait` ends soon after. Idempotent.
        """
        ...

    def kill(self) -> None:
        """End it at once. Idempotent."""
        ...


class Launcher(Protocol):
    """Starts `services.training.worker` on a job's directory. No two ever run on one job."""

    async def start(self, directory: Path) -> Process:
        """Run the job's worker, from its last checkpoint where there is one, or take up the one that runs.

        Raises FailedPrecondition, and Unavailable where it may be asked again.
        """
        ...
