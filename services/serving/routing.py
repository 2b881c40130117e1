"""Which of several replicas takes a request: the one that has its prompt's start, unless that one is too busy.

Invariant: requests of one key go to one replica as long as it has not more than its share and some slack; a replica
that leaves moves its own keys only (rendezvous hashing with bounded loads).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

# How far above the mean a replica may be loaded before others take its requests.
_SLACK = 0.25


class Router:
    """Counts what each replica has in hand."""

    def __init__(self, replicas: Sequence[str], slack: float = _SLACK) -> None:
        self._loads = dict.fromkeys(replicas, 0)
        self._slack = slack

    def ranked(self, key: str) -> list[str]:
        """Every replica, the key's own first."""
        return sorted(self._loads, key=lambda name: hashlib.sha256(f"{key}\0{name}".encode()).digest())

    @contextmanager
    def place(self, key: str, down: Collection[str] = ()) -> Iterator[str]:
        """The replica for a request that runs while the block does; "" as key is the least loaded one.

        Raises LookupError when all are down.
        """
        up = [name for name in self.ranked(key) if name not in down]
        if not up:
            raise LookupError("no replica is up")
        mean = (sum(self._loads[name] for name in up) + 1) / len(up)
        bound = math.ceil(mean * (1 + self._slack))
        free = (name for name in up if self._loads[name] < bound)
        chosen = next(free) if key else min(up, key=lambda name: self._loads[name])
        self._loads[chosen] += 1
        try:
            yield chosen
        finally:
            self._loads[chosen] -= 1
