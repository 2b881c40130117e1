"""The diversity rule: a new objective is unlike every earlier one, in-domain or synthetic.

Invariant: the cosine of any two synthetic objectives, and of one with any in-domain objective, is below the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from services.curation.synthesis.examples import Refused

_AT_ONCE = 500


class Diversity:
    """Objectives so far, as vectors of length 1."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._known: list[NDArray[np.float32]] = []
        # The highest cosine that was let in.
        self.highest = -1.0

    def add(self, vector: NDArray[np.float32]) -> None:
        """Remember an in-domain objective."""
        self._known.append(vector)

    def admit(self, vector: NDArray[np.float32], *, decided: bool = False) -> None:
        """Remember an objective that is unlike all others. Raises Refused("similar"), unless it was `decided` before:
        the same cosine may come out a rounding apart.
        """
        cosine = float((np.stack(self._known) @ vector).max()) if self._known else -1.0
        if cosine >= self._limit and not decided:
            raise Refused("similar", f"{cosine:.3f}")
        self.highest = max(self.highest, cosine)
        self._known.append(vector)


class Embedder:
    """Texts as vectors, by scoring's model."""

    def __init__(self, scoring: Any, timeout_s: float) -> None:
        self._scoring, self._timeout_s = scoring, timeout_s
        # As scoring names it; empty until asked.
        self.model = ""

    async def of(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """One vector a text, in order. Raises what scoring raises."""
        found: list[NDArray[np.float32]] = []
        for start in range(0, len(texts), _AT_ONCE):
            asked = scoring_pb.EmbedTextsRequest(texts=texts[start : start + _AT_ONCE])
            reply = await self._scoring.EmbedTexts(asked, timeout=self._timeout_s)
            self.model = reply.embedding_model
            found += [np.array(each.values, dtype=np.float32) for each in reply.embeddings]
        return found
