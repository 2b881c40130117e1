"""Hugging Face directories: what every server and trainer reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from services.common.errors import InvalidArgument

# How the serving room wants this model to be prompted.
HINTS = {"prompt_format": "brief", "observation_format": "compact"}


def publish(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, directory: Path) -> None:
    """Write model (weights in bfloat16), tokenizer and hints."""
    directory.mkdir(parents=True, exist_ok=True)
    copy: Any = type(model)(model.config)
    copy.load_state_dict(model.state_dict())
    copy.to(torch.bfloat16).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    (directory / "ratchet.json").write_text(json.dumps(HINTS) + "\n")


def load(directory: Path) -> tuple[Qwen2ForCausalLM, PreTrainedTokenizerFast]:
    """Model (in float32) and tokenizer of a directory. InvalidArgument when it holds no checkpoint."""
    if not (directory / "config.json").exists():
        raise InvalidArgument(f"{directory} holds no checkpoint: there is no config.json; train one first (make tiny)")
    model: Qwen2ForCausalLM = Qwen2ForCausalLM.from_pretrained(directory, dtype=torch.float32)
    return model, load_tokenizer(directory)


def load_tokenizer(directory: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a directory."""
    tokenizer: PreTrainedTokenizerFast = PreTrainedTokenizerFast.from_pretrained(directory)
    return tokenizer
