"""The base with a LoRA adapter on every linear layer but the output layer, and the adapter as PEFT's own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from services.common import archives, checkpoints
from services.common.errors import FailedPrecondition, InvalidArgument
from services.training.adapters.work import Work


class BaseUnusable(FailedPrecondition):
    """The base model cannot be loaded or adapted here."""

    reason = "BASE_UNUSABLE"


def load(work: Work, device: torch.device, dtype: torch.dtype, initial: Path | None) -> tuple[Any, Any, str]:
    """The model with its adapter, the tokenizer, and the base's revision. Raises ModelNotFound, BaseUnusable."""
    import transformers
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    directory = Path(work.base_uri) if Path(work.base_uri).is_dir() else None
    tokenizers = getattr(transformers, checkpoints.tokenizer_class(directory))
    for local_only in (True, False) if work.allow_download and directory is None else (True,):
        try:
            tokenizer = tokenizers.from_pretrained(work.base_uri, local_files_only=local_only)
            base: Any = AutoModelForCausalLM.from_pretrained(work.base_uri, dtype=dtype, local_files_only=local_only)
            break
        except OSError as error:
            why = str(error).splitlines()[0]
        except (ValueError, KeyError, RuntimeError) as error:
            raise BaseUnusable(f"{work.base_uri} cannot be loaded: {error}; check its files") from error
    else:
        raise checkpoints.missing(work.base_name, {}, why)
    if tokenizer.eos_token_id is None:
        raise BaseUnusable(f"the tokenizer of {work.base_uri} has no end token; set eos_token in its configuration")
    base.config.use_cache = False
    if work.gradient_checkpointing:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    torch.manual_seed(work.seed)
    if initial is None:
        config = LoraConfig(
            r=work.rank,
            lora_alpha=work.alpha,
            lora_dropout=work.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        model: Any = get_peft_model(base, config)
    else:
        try:
            model = PeftModel.from_pretrained(base, str(initial), is_trainable=True)
        except (RuntimeError, ValueError, KeyError) as error:
            raise InvalidArgument(f"the initial adapter does not fit {work.base_name}: {error}") from error
    revision = checkpoints.fingerprint(directory) if directory else str(getattr(base.config, "_commit_hash", "") or "")
    return model.to(device), tokenizer, revision


def save(model: Any, work: Work, revision: str, facts: dict[str, float], directory: Path) -> None:
    """Write adapter/ and adapter.tar. The same weights give the same bytes."""
    home = directory / "adapter"
    model.save_pretrained(str(home), save_embedding_layers=False)
    path = home / "adapter_config.json"
    config = json.loads(path.read_text())
    config["base_model_name_or_path"] = work.base_name
    config["target_modules"] = sorted(config["target_modules"])
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    origin = {"base_model": work.base_name, "base_revision": revision, "dataset": work.dataset}
    (home / "ratchet.json").write_text(json.dumps(origin, indent=2, sort_keys=True) + "\n")
    (home / "README.md").write_text(_card(work, revision, facts))
    scratch = directory / "adapter.tar.new"
    archives.pack(home, scratch)
    scratch.replace(directory / "adapter.tar")


def _card(work: Work, revision: str, facts: dict[str, float]) -> str:
    table = "\n".join(f"| {name.replace('_', ' ')} | {value:.6g} |" for name, value in facts.items())
    return f"""---
base_model: {work.base_name}
library_name: peft
pipeline_tag: text-generation
tags: [lora, web-agent, ratchet]
---

# A web agent's adapter for {work.base_name}

Trained by Ratchet on `{work.dataset}`: the agent's own attempts at tasks in a browser, chosen without labels.
It fits the base whose weights have the digest `{revision[:16] or "unknown"}`, and is loaded with
`peft.PeftModel.from_pretrained(base, directory)`.

LoRA of rank {work.rank}, alpha {work.alpha}, dropout {work.dropout:g} on every linear layer but the output layer;
AdamW, learning rate {work.learning_rate:g} falling linearly to 0, weight decay {work.weight_decay:g}, batches of
{work.batch_size} rows, loss on the response only, up to {work.max_epochs} epochs, early stop after {work.patience}
epochs without a better validation perplexity (the best epoch is kept), seed {work.seed}.

| | |
|---|---|
{table}
"""
