"""Keys and values of earlier prompts, so that the part that a new prompt shares with one is not computed again.

Invariant: an entry serves only the adapter that computed it, and only as far as its tokens are the new prompt's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.serving.adapters.slab import Pairs

# A shorter shared start costs about as much to look up and copy as to compute.
_MIN_TOKENS = 16


@dataclass
class _Entry:
    tokens: npt.NDArray[np.int64]
    pairs: Pairs
    num_bytes: int


class Prefixes:
    """The latest prompts of each adapter within a budget of bytes. Used by the worker thread only."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._num_bytes = 0
        # Least recently used first.
        self._entries: dict[tuple[str, bytes], _Entry] = {}

    def longest(self, adapter: str, prompt: list[int]) -> tuple[int, Pairs]:
        """How many tokens the prompt starts with are known, and their keys and values; never the whole prompt."""
        wanted = np.asarray(prompt[:-1], dtype=np.int64)
        best, best_key = 0, None
        for key, entry in self._entries.items():
            if key[0] == adapter:
                shared = _shared(entry.tokens, wanted)
                if shared > best:
                    best, best_key = shared, key
        if best_key is None or best < _MIN_TOKENS:
            return 0, []
        entry = self._entries[best_key] = self._entries.pop(best_key)
        return best, [(keys[:, :, :best], values[:, :, :best]) for keys, values in entry.pairs]

    def add(self, adapter: str, prompt: list[int], pairs: Pairs) -> None:
        """Remember a prompt; the caller does not write to its tensors any more."""
        tokens = np.asarray(prompt, dtype=np.int64)
        num_bytes = sum(tensor.nbytes for pair in pairs for tensor in pair)
        key = (adapter, tokens.tobytes())
        if num_bytes > self._max_bytes // 4 or key in self._entries:
            return
        self._entries[key] = _Entry(tokens, pairs, num_bytes)
        self._num_bytes += num_bytes
        while self._num_bytes > self._max_bytes:
            self._remove(next(iter(self._entries)))

    def forget(self, adapter: str) -> None:
        """Drop what an adapter computed."""
        for key in [key for key in self._entries if key[0] == adapter]:
            self._remove(key)

    def _remove(self, key: tuple[str, bytes]) -> None:
        self._num_bytes -= self._entries.pop(key).num_bytes


def _shared(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> int:
    length = min(len(one), len(other))
    differs = one[:length] != other[:length]
    return int(differs.argmax()) if differs.any() else length
