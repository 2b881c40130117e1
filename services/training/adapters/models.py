"""The base model with what is learnt of it: a LoRA or DoRA adapter on every linear layer but the output layer, or all.

Invariant: what requires a gradient is what is learnt, and is float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from services.common import checkpoints
from services.common.errors import FailedPrecondition, InvalidArgument
from services.common.hugging_face import transformers
from services.training import methods
from services.training.adapters.work import Work


class BaseUnusable(FailedPrecondition):
    """The base model cannot be loaded or adapted here."""

    reason = "BASE_UNUSABLE"


@dataclass(frozen=True)
class Loaded:
    """A model to train, the transformers model inside it, its tokenizer, and the digest of the base's files."""

    model: Any
    base: Any
    tokenizer: Any
    revision: str


def load(work: Work, device: torch.device, initial: Path | None, *, halves: bool) -> Loaded:
    """The base in its method's form, not on the device yet unless in 4 bits.

    Raises ModelNotFound, BaseUnusable, MethodUnavailable, InvalidArgument.
    """
    directory = Path(work.base_uri) if Path(work.base_uri).is_dir() else None
    frozen_halves = halves and device.type == "cuda" and work.method != "full"
    options: dict[str, Any] = {"dtype": torch.bfloat16 if frozen_halves else torch.float32}
    methods.check(work.method, work.processes)
    if work.method == "qlora":
        options |= {"quantization_config": _four_bits(halves), "device_map": {"": device}}
    base, tokenizer = _load(work, directory, options)
    if tokenizer.eos_token_id is None:
        raise BaseUnusable(f"the tokenizer of {work.base_uri} has no end token; set eos_token in its configuration")
    base.config.use_cache = False
    if work.gradient_checkpointing:
        base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    torch.manual_seed(work.seed)
    model = base if work.method == "full" else _adapted(base, work, initial)
    revision = checkpoints.fingerprint(directory) if directory else str(getattr(base.config, "_commit_hash", "") or "")
    return Loaded(model, base, tokenizer, revision)


def _load(work: Work, directory: Path | None, options: dict[str, Any]) -> tuple[Any, Any]:
    package = transformers()
    tokenizers = getattr(package, checkpoints.tokenizer_class(directory))
    why = ""
    for local_only in (True, False) if work.allow_download and directory is None else (True,):
        try:
            tokenizer = tokenizers.from_pretrained(work.base_uri, local_files_only=local_only)
            base: Any = package.AutoModelForCausalLM.from_pretrained(
                work.base_uri, local_files_only=local_only, **options
            )
        except OSError as error:
            why = str(error).splitlines()[0]
        except (ValueError, KeyError, RuntimeError) as error:
            raise BaseUnusable(f"{work.base_uri} cannot be loaded: {error}; check its files") from error
        else:
            return base, tokenizer
    raise checkpoints.missing(work.base_name, {}, why)


def _four_bits(halves: bool) -> Any:
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if halves else torch.float32,
    )


def _adapted(base: Any, work: Work, initial: Path | None) -> Any:
    from peft import LoraConfig, PeftModel, get_peft_model, prepare_model_for_kbit_training

    if work.method == "qlora":
        for module in base.modules():
            if hasattr(module, "support_avx512bf16_for_cpu"):
                # An evaluation would repack the weights for inference, in sizes that not every layer has.
                module.support_avx512bf16_for_cpu = False
        base = prepare_model_for_kbit_training(base, use_gradient_checkpointing=False)  # type: ignore[no-untyped-call]
    if initial is None:
        config = LoraConfig(
            r=work.rank,
            lora_alpha=work.alpha,
            lora_dropout=work.dropout,
            use_dora=work.method == "dora",
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )
        return get_peft_model(base, config)
    try:
        model = PeftModel.from_pretrained(base, str(initial), is_trainable=True)
    except (RuntimeError, ValueError, KeyError) as error:
        raise InvalidArgument(f"the initial adapter does not fit {work.base_name}: {error}") from error
    if getattr(model.peft_config["default"], "use_dora", False) != (work.method == "dora"):
        raise InvalidArgument(f"the initial adapter was not learnt by {work.method}; go on with the method that it has")
    return model
