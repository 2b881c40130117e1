"""A base model from its checkpoint, for any engine: what it is, its tokenizer, and its weights or only their shapes.

Invariant: every engine tells the same of the same checkpoint, and splits words as its tokenizer was trained to.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.common import checkpoints
from services.common.checkpoints import Checkpoint
from services.common.errors import FailedPrecondition
from services.common.hugging_face import transformers
from services.serving.adapters.tokenizer import HuggingFaceTokenizer
from services.serving.ports import Model
from services.serving.settings import ServingSettings


class ModelUnusable(FailedPrecondition):
    """The model was found and cannot be run here."""

    reason = "MODEL_UNUSABLE"


class Loaded:
    """An engine's base and its tokenizer. `known` names directories of base models."""

    def __init__(self, settings: ServingSettings, known: dict[str, Path]) -> None:
        self._settings = settings
        self._known = known
        self._model: Model | None = None
        self._tokenizer: HuggingFaceTokenizer | None = None

    @property
    def model(self) -> Model:
        """The base; known once started."""
        assert self._model is not None, "start() comes first"
        return self._model

    @property
    def tokenizer(self) -> HuggingFaceTokenizer:
        """The base's tokenizer; known once started."""
        assert self._tokenizer is not None, "start() comes first"
        return self._tokenizer

    def _load(self, read: Callable[[str, bool], Any]) -> tuple[Checkpoint, Any]:
        """The base's place, and what `read` makes of (uri, local files only). Raises ModelNotFound, ModelUnusable."""
        settings = self._settings
        checkpoint = checkpoints.locate(settings.model, self._known)
        base, self._tokenizer = _read(checkpoint, self._known, read, settings.allow_download)
        self._model = _described(checkpoint, base, settings.max_context_tokens)
        return checkpoint, base


def _read(
    checkpoint: Checkpoint, known: dict[str, Path], read: Callable[[str, bool], Any], allow_download: bool
) -> tuple[Any, HuggingFaceTokenizer]:
    """What `read` makes of it, and the tokenizer; from this machine first."""
    tokenizers = getattr(transformers(), checkpoints.tokenizer_class(checkpoint.directory))
    for local_only in (True, False) if allow_download and checkpoint.directory is None else (True,):
        try:
            tokenizer = tokenizers.from_pretrained(checkpoint.uri, local_files_only=local_only)
            return read(checkpoint.uri, local_only), HuggingFaceTokenizer(tokenizer)
        except OSError as error:
            why = str(error).splitlines()[0]
        except (ValueError, KeyError, RuntimeError) as error:
            raise ModelUnusable(f"{checkpoint.uri} cannot be run: {error}", model=checkpoint.name) from error
    raise checkpoints.missing(checkpoint.name, known, why)


def shapes(uri: str, local_only: bool) -> Any:
    """The model without its weights: its layers and their sizes, which take no memory."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        models: Any = AutoModelForCausalLM
        return models.from_config(AutoConfig.from_pretrained(uri, local_files_only=local_only))


def _described(checkpoint: Checkpoint, base: Any, max_context_tokens: int) -> Model:
    """The base as clients see it; `max_context_tokens` may shorten its context, 0 does not."""
    context_tokens = int(getattr(base.config.get_text_config(), "max_position_embeddings", 0) or 4096)
    revision = checkpoints.fingerprint(checkpoint.directory) if checkpoint.directory else ""
    return Model(
        name=checkpoint.name,
        uri=checkpoint.uri,
        revision=revision or str(getattr(base.config, "_commit_hash", "") or ""),
        num_parameters=base.num_parameters(),
        context_tokens=min(context_tokens, max_context_tokens or context_tokens),
        prompt_format=checkpoint.metadata.prompt_format,
        observation_format=checkpoint.metadata.observation_format,
    )
