"""Keys and values of earlier prompts, so that the part that a new prompt shares with one is not computed again.

Invariant: an entry serves only the adapter that computed it, and only as far as its tokens are the new prompt's.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from services.serving.adapters.slab import Pairs

# A shorter shared start costs about as much to look up and copy as to compute.
MIN_SHARED = 16
# Big-endian, so that the order of the bytes is that of the tokens.
_TOKEN = np.dtype(">u4")


class Starts:
    """Prompts in the order of their tokens: the one that shares the longest start with a new one stands next to it."""

    def __init__(self) -> None:
        self._keys: list[bytes] = []

    def add(self, key: bytes) -> None:
        """Take in a prompt, by its `key_of`."""
        insort(self._keys, key)

    def remove(self, key: bytes) -> None:
        """Drop a prompt that was taken in."""
        del self._keys[bisect_left(self._keys, key)]

    def longest(self, key: bytes) -> tuple[int, bytes]:
        """How many tokens a prompt's start shares with one of these at most, and with which; (0, b"") with none."""
        place = bisect_left(self._keys, key)
        beside = self._keys[max(0, place - 1) : place + 1]
        return max(((_shared(other, key), other) for other in beside), default=(0, b""))


@dataclass
class _Entry:
    pairs: Pairs
    num_bytes: int


class Prefixes:
    """The latest prompts of each adapter within a budget of bytes. Used by the worker thread only."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._num_bytes = 0
        # Least recently used first.
        self._entries: dict[tuple[str, bytes], _Entry] = {}
        self._starts: defaultdict[str, Starts] = defaultdict(Starts)

    def longest(self, adapter: str, prompt: list[int]) -> tuple[int, Pairs]:
        """How many tokens the prompt starts with are known, and their keys and values; never the whole prompt."""
        shared, other = self._starts[adapter].longest(key_of(prompt[:-1]))
        if shared < MIN_SHARED:
            return 0, []
        entry = self._entries[adapter, other] = self._entries.pop((adapter, other))
        return shared, [(keys[:, :, :shared], values[:, :, :shared]) for keys, values in entry.pairs]

    def add(self, adapter: str, prompt: list[int], pairs: Pairs) -> None:
        """Remember a prompt; the caller does not write to its tensors any more."""
        num_bytes = sum(tensor.nbytes for pair in pairs for tensor in pair)
        key = key_of(prompt)
        if num_bytes > self._max_bytes // 4 or (adapter, key) in self._entries:
            return
        self._entries[adapter, key] = _Entry(pairs, num_bytes)
        self._starts[adapter].add(key)
        self._num_bytes += num_bytes
        while self._num_bytes > self._max_bytes:
            self._remove(*next(iter(self._entries)))

    def forget(self, adapter: str) -> None:
        """Drop what an adapter computed."""
        for key in [key for key in self._entries if key[0] == adapter]:
            self._remove(*key)
        self._starts.pop(adapter, None)

    def _remove(self, adapter: str, key: bytes) -> None:
        self._num_bytes -= self._entries.pop((adapter, key)).num_bytes
        self._starts[adapter].remove(key)


def key_of(tokens: Iterable[int]) -> bytes:
    """Tokens as bytes that stand in the same order."""
    return np.fromiter(tokens, _TOKEN).tobytes()


def _shared(one: bytes, other: bytes) -> int:
    """How many tokens two prompts begin with alike."""
    length = min(len(one), len(other)) // _TOKEN.itemsize
    differs = np.frombuffer(one, _TOKEN, length) != np.frombuffer(other, _TOKEN, length)
    return int(differs.argmax()) if differs.any() else length
