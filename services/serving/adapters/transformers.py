"""Any Hugging Face causal LM as an engine, on a CPU or a GPU, batched continuously.

Invariant: the event loop never waits for the model; loading and computing happen in threads.
"""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import Any

import torch

from services.common import checkpoints
from services.common.checkpoints import Checkpoint
from services.common.errors import FailedPrecondition
from services.common.telemetry import log
from services.serving.adapters.decoding import Group
from services.serving.adapters.prefixes import Prefixes
from services.serving.adapters.proving import prove
from services.serving.adapters.rows import Row
from services.serving.adapters.tokenizer import HuggingFaceTokenizer
from services.serving.adapters.variants import MERGE_BELOW, Variants
from services.serving.adapters.worker import Worker
from services.serving.ports import Completion, Model, Sampling
from services.serving.settings import ServingSettings


class ModelUnusable(FailedPrecondition):
    """The model was found and cannot be run here."""

    reason = "MODEL_UNUSABLE"


class TransformersEngine:
    """ports.Engine over transformers and PEFT. `known` names directories of base models."""

    def __init__(self, settings: ServingSettings, known: dict[str, Path]) -> None:
        self._settings = settings
        self._known = known
        self._model: Model | None = None
        self._tokenizer: HuggingFaceTokenizer | None = None
        self._worker: Worker | None = None

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

    async def start(self) -> None:
        """Load the base. Raises ModelNotFound, ModelUnusable, DecodingUnsound."""
        await asyncio.to_thread(self._load)
        assert self._worker is not None
        self._worker.start()
        log().info("model loaded", model=self.model.name, num_parameters=self.model.num_parameters)

    async def stop(self) -> None:
        """Fail what is running with Unavailable. Idempotent."""
        if self._worker is not None and self._tokenizer is not None:
            await asyncio.to_thread(self._worker.close)
            self._tokenizer.close()
            self._worker = None

    async def generate(self, adapter: str, prompt: list[int], sampling: Sampling) -> Completion:
        """Complete a prompt; cancelling frees its place at the next step."""
        assert self._worker is not None, "start() comes first"
        row = Row(adapter, prompt, sampling, self.model.context_tokens)
        self._worker.submit(row)
        return await asyncio.wrap_future(row.future)

    async def add_adapter(self, digest: str, directory: Path) -> None:
        """Hold the PEFT adapter of a directory. Raises AdapterMismatch."""
        assert self._worker is not None, "start() comes first"
        await asyncio.wrap_future(self._worker.add_adapter(digest, directory))

    async def remove_adapter(self, digest: str) -> None:
        """Let an adapter go that no request uses."""
        if self._worker is not None:
            await asyncio.wrap_future(self._worker.remove_adapter(digest))

    def _load(self) -> None:
        settings = self._settings
        checkpoint = checkpoints.locate(settings.model, self._known)
        device = _device(settings.device)
        base, tokenizer = load(checkpoint, self._known, _dtype(settings.dtype, device), settings.allow_download)
        base = base.to(device)
        num_parameters = base.num_parameters()
        context_tokens = int(getattr(base.config.get_text_config(), "max_position_embeddings", 0) or 4096)
        revision = checkpoints.fingerprint(checkpoint.directory) if checkpoint.directory else ""
        self._model = Model(
            name=checkpoint.name,
            uri=checkpoint.uri,
            revision=revision or str(getattr(base.config, "_commit_hash", "") or ""),
            num_parameters=num_parameters,
            context_tokens=min(context_tokens, settings.max_context_tokens or context_tokens),
            prompt_format=checkpoint.metadata.prompt_format,
            observation_format=checkpoint.metadata.observation_format,
        )
        self._tokenizer = tokenizer
        ends = _ends(base, tokenizer.end)
        prefixes = Prefixes(settings.prefix_cache_mb * 1_000_000)
        new_group = partial(Group, prefixes=prefixes, ends=ends, decode=tokenizer.decode, device=device)
        prove(base, new_group("", prefixes=Prefixes(0), ends=frozenset()), base.get_input_embeddings().num_embeddings)
        threads = settings.threads or (1 if num_parameters <= MERGE_BELOW else os.cpu_count() or 1)
        self._worker = Worker(
            Variants(base, self._model.revision),
            prefixes,
            new_group,
            settings.max_batch,
            threads,
        )


def load(
    checkpoint: Checkpoint, known: dict[str, Path], dtype: torch.dtype, allow_download: bool
) -> tuple[Any, HuggingFaceTokenizer]:
    """Weights and tokenizer, from this machine first. Raises ModelNotFound, ModelUnusable."""
    import transformers
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    tokenizers = getattr(transformers, checkpoints.tokenizer_class(checkpoint.directory))
    for local_only in (True, False) if allow_download and checkpoint.directory is None else (True,):
        try:
            tokenizer = tokenizers.from_pretrained(checkpoint.uri, local_files_only=local_only)
            base: Any = AutoModelForCausalLM.from_pretrained(checkpoint.uri, dtype=dtype, local_files_only=local_only)
            return base.eval(), HuggingFaceTokenizer(tokenizer)
        except OSError as error:
            why = str(error).splitlines()[0]
        except (ValueError, KeyError, RuntimeError) as error:
            raise ModelUnusable(f"{checkpoint.uri} cannot be run: {error}", model=checkpoint.name) from error
    raise checkpoints.missing(checkpoint.name, known, why)


def _device(name: str) -> torch.device:
    try:
        device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ModelUnusable(f"serving.device {name!r} cannot be used: {error}; use auto, cpu or cuda") from error
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.float32 if device.type == "cpu" else torch.bfloat16
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def _ends(base: Any, end: int | None) -> frozenset[int]:
    configured = getattr(base.generation_config, "eos_token_id", None)
    ends = configured if isinstance(configured, list) else [configured]
    return frozenset(int(one) for one in [*ends, end] if one is not None)
