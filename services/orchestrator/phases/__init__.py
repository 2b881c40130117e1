"""The phases of an iteration, each idempotent: run again, it does what is missing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from services.orchestrator.phases import collect, curate, evaluate, settle, train
from services.orchestrator.turn import Turn

# In order; the name is what people see.
PHASES: dict[str, Callable[[Turn], Awaitable[None]]] = {
    "collect": collect.run,
    "curate": curate.run,
    "train": train.run,
    "evaluate": evaluate.run,
    "gate": settle.run,
}
