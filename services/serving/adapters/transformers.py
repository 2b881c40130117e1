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

from services.common.telemetry import log
from services.serving.adapters.constraining import Grammars
from services.serving.adapters.decoding import Group
from services.serving.adapters.linear import quicken
from services.serving.adapters.loading import Loaded, ModelUnusable
from services.serving.adapters.prefixes import Prefixes
from services.serving.adapters.proving import prove
from services.serving.adapters.rows import Row
from services.serving.adapters.variants import MERGE_BELOW, Variants
from services.serving.adapters.worker import Worker
from services.serving.ports import Completion, Sampling
from services.serving.settings import ServingSettings


class TransformersEngine(Loaded):
    """ports.Engine over transformers and PEFT. `known` names directories of base models."""

    def __init__(self, settings: ServingSettings, known: dict[str, Path]) -> None:
        super().__init__(settings, known)
        self._worker: Worker | None = None
        self._grammars: Grammars | None = None

    async def start(self) -> None:
        """Load the base. Raises ModelNotFound, ModelUnusable, DecodingUnsound."""
        await asyncio.to_thread(self._prepare)
        assert self._worker is not None
        self._worker.start()
        log().info("model loaded", model=self.model.name, num_parameters=self.model.num_parameters)

    async def stop(self) -> None:
        """Fail what is running with Unavailable. Idempotent."""
        if self._worker is not None and self._tokenizer is not None:
            await asyncio.to_thread(self._worker.close)
            self._tokenizer.close()
            self._worker = None

    async def generate(self, adapter: str, prompt: list[int], sampling: Sampling, affinity: str = "") -> Completion:
        """Complete a prompt; cancelling frees its place at the next step."""
        assert self._worker is not None, "start() comes first"
        assert self._grammars is not None
        constraint = await asyncio.to_thread(self._grammars.begin, sampling.regex) if sampling.regex else None
        row = Row(adapter, prompt, sampling, self.model.context_tokens, constraint)
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

    def _prepare(self) -> None:
        settings = self._settings
        device = _device(settings.device)
        read = partial(_weights, dtype=_dtype(settings.dtype, device))
        _, base = self._load(read)
        base = base.to(device)
        ends = _ends(base, self.tokenizer.end)
        prefixes = Prefixes(settings.prefix_cache_mb * 1_000_000)
        quicken(base)
        num_tokens = base.get_input_embeddings().num_embeddings
        packs = prove(base, num_tokens, device)
        new_group = partial(
            Group, prefixes=prefixes, ends=ends, decode=self.tokenizer.decode, device=device, packs=packs
        )
        self._grammars = Grammars(self.tokenizer.own, num_tokens, sorted(ends))
        threads = settings.threads or (1 if self.model.num_parameters <= MERGE_BELOW else os.cpu_count() or 1)
        self._worker = Worker(
            Variants(base, self.model.revision),
            prefixes,
            new_group,
            settings.max_batch,
            threads,
        )


def _weights(uri: str, local_only: bool, dtype: torch.dtype) -> Any:
    from transformers import AutoModelForCausalLM

    base: Any = AutoModelForCausalLM.from_pretrained(uri, dtype=dtype, local_files_only=local_only)
    return base.eval()


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
