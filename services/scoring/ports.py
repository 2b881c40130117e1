"""What scoring needs from outside: a model that embeds texts, and a place that remembers embeddings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = "NDArray[np.float32]"


class Embedder(Protocol):
    """A sentence-embedding model."""

    # As an answer names it.
    name: str

    def identity(self) -> str:
        """What changes when the same text would get another vector. Raises EmbeddingModelMissing."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector of length 1 per text, in order. Blocking, from any thread, one call at a time; slow the first
        time, when the model is loaded. Raises EmbeddingModelMissing.
        """


class VectorCache(Protocol):
    """Vectors by key; it may forget any of them at any time."""

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Vectors]:
        """Those that are there. Blocking, from any thread. Raises CacheBroken."""

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep them; a key that is there already stays as it is. Blocking, from any thread. Raises CacheBroken."""
