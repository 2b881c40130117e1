"""Texts embedded for another room: the limits of a request, and its answer.

Invariant: every text of an answered request was within the limits, and its vector is the capability score's.
"""

from __future__ import annotations

from collections.abc import Sequence

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.scoring.embeddings import Embeddings

# 1,000 vectors of 768 numbers are 3 MB, which one message carries.
MAX_TEXTS = 1_000
MAX_CHARS = 10_000


async def embed(texts: Sequence[str], embeddings: Embeddings) -> pb.EmbedTextsResponse:
    """One embedding a text, in order. Raises InvalidArgument, EmbeddingModelMissing and CacheBroken."""
    if not 0 < len(texts) <= MAX_TEXTS:
        raise InvalidArgument(
            f"texts has {len(texts)} entries; give 1 to {MAX_TEXTS}, and more in further calls", field="texts"
        )
    for index, text in enumerate(texts):
        if not text.strip():
            raise InvalidArgument(f"texts[{index}] is empty; leave it out", field=f"texts[{index}]")
        if len(text) > MAX_CHARS:
            raise InvalidArgument(
                f"texts[{index}] has {len(text)} characters; at most {MAX_CHARS} are taken, cut it",
                field=f"texts[{index}]",
            )
    vectors = await embeddings.of(texts)
    return pb.EmbedTextsResponse(
        embeddings=[pb.Embedding(values=vector.tolist()) for vector in vectors], embedding_model=embeddings.name
    )
