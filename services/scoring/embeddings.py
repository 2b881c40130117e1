"""Texts as vectors of length 1, each text embedded once.

Invariant: equal texts get equal vectors, from the model or from the cache; the model works on one batch at a time.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import numpy as np

from services.scoring import metrics
from services.scoring.ports import Embedder, VectorCache, Vectors

# Embedded and remembered together: what a cancelled call loses at most.
_BATCH = 128


class Embeddings:
    """One model behind one cache."""

    def __init__(self, embedder: Embedder, cache: VectorCache) -> None:
        self._embedder, self._cache = embedder, cache
        self._one_at_a_time = asyncio.Lock()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._embedder.name

    async def of(self, texts: Sequence[str]) -> Vectors:
        """One row per text (at least one), in order. Raises EmbeddingModelMissing and CacheBroken."""
        identity = await asyncio.to_thread(self._embedder.identity)
        keys = [hashlib.sha256(f"{identity}\0{text}".encode(errors="replace")).digest() for text in texts]
        by_key = dict(zip(keys, texts, strict=True))
        async with self._one_at_a_time:
            known = await asyncio.to_thread(self._cache.get, list(by_key))
            metrics.TEXTS_EMBEDDED.labels("cache").inc(len(known))
            missing = [key for key in by_key if key not in known]
            for start in range(0, len(missing), _BATCH):
                batch = missing[start : start + _BATCH]
                known |= await asyncio.to_thread(self._learn, batch, [by_key[key] for key in batch])
                metrics.TEXTS_EMBEDDED.labels("model").inc(len(batch))
        return np.stack([known[key] for key in keys])

    def _learn(self, keys: Sequence[bytes], texts: Sequence[str]) -> dict[bytes, Vectors]:
        vectors = dict(zip(keys, self._embedder.embed(texts), strict=True))
        self._cache.put(vectors)
        return vectors
