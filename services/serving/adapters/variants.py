"""A base model and its LoRA adapters, each one selectable before a model step.

Invariant: an adapter that is not refused computes exactly base + B A scale. A small base is copied and merged per
adapter, which costs nothing at a step; a large one carries PEFT's layers and is switched.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch

from services.serving.adapters.fitting import AdapterMismatch, check_fit

# A merged copy of this many parameters is 256 MB in float32.
MERGE_BELOW = 64_000_000


class Variants:
    """Used by the worker thread only."""

    def __init__(self, base: torch.nn.Module, revision: str) -> None:
        self._base = base
        self._revision = revision
        self._merges = sum(parameter.numel() for parameter in base.parameters()) <= MERGE_BELOW
        self._merged: dict[str, torch.nn.Module] = {}
        self._peft: Any = None
        self._switched: dict[str, None] = {}
        self._active = ""

    def add(self, digest: str, directory: Path) -> None:
        """Hold an adapter. Idempotent. Raises AdapterMismatch."""
        from peft import PeftModel

        if digest in self._merged or digest in self._switched:
            return
        check_fit(directory, self._base, self._revision)
        try:
            if self._merges:
                wrapped = PeftModel.from_pretrained(copy.deepcopy(self._base), str(directory))
                self._merged[digest] = wrapped.merge_and_unload().eval()
                return
            if self._peft is None:
                self._peft = PeftModel.from_pretrained(self._base, str(directory), adapter_name=digest)
                self._peft.eval()
            else:
                self._peft.load_adapter(str(directory), adapter_name=digest)
        except (ValueError, TypeError, KeyError) as error:
            raise AdapterMismatch(f"PEFT refuses adapter {digest}: {error}", adapter=digest) from error
        self._switched[digest] = None
        self._active = "?"

    def remove(self, digest: str) -> None:
        """Let an adapter go. Idempotent."""
        self._merged.pop(digest, None)
        if digest in self._switched:
            del self._switched[digest]
            self._active = "?"
            if self._switched:
                self._peft.base_model.set_adapter(next(iter(self._switched)))
                self._peft.delete_adapter(digest)
            else:
                self._base = self._peft.unload()
                self._peft = None

    def select(self, digest: str) -> torch.nn.Module:
        """The model to call for this adapter ("" is the base), until the next selection."""
        if self._merges:
            return self._merged[digest] if digest else self._base
        if self._peft is not None and digest != self._active:
            self._peft.base_model.set_adapter(digest or next(iter(self._switched)))
            if digest:
                self._peft.base_model.enable_adapter_layers()
            else:
                self._peft.base_model.disable_adapter_layers()
            self._active = digest
        return self._base
