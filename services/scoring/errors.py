"""What goes wrong in scoring beside a bad request."""

from __future__ import annotations

from services.common.errors import FailedPrecondition


class EmbeddingModelMissing(FailedPrecondition):
    """The model that is to embed texts cannot be had."""

    reason = "EMBEDDING_MODEL_MISSING"


class CacheBroken(FailedPrecondition):
    """The file of remembered embeddings cannot be used."""

    reason = "EMBEDDING_CACHE_BROKEN"
