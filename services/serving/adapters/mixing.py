"""Whether an engine keeps adapters apart, tried once before it serves.

Invariant: an engine whose batches let an adapter touch another request's answer does not become ready; a comparison
of a policy with its base on one server would be wrong without a word.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

import torch

from services.common.errors import FailedPrecondition
from services.serving.ports import Completion, Sampling

_RANK = 8
_NUM_EACH = 2
_SAMPLING = Sampling(max_new_tokens=8)
_PROMPT_TOKENS = 24
# Nats a token that rounding may cost; the trial adapter changes answers by far more.
_ROUNDING = {torch.float32: 0.02, torch.bfloat16: 0.5, torch.float16: 0.25}
_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class AdaptersMixed(FailedPrecondition):
    """Requests of the base and of an adapter, computed together, do not each get their own answer."""

    reason = "ADAPTERS_MIXED"


class Adapting(Protocol):
    """What an engine must do to be tried."""

    async def generate(self, adapter: str, prompt: list[int], sampling: Sampling) -> Completion: ...

    async def add_adapter(self, digest: str, directory: Path) -> None: ...

    async def remove_adapter(self, digest: str) -> None: ...


async def prove(engine: Adapting, base: Any, dtype: torch.dtype, num_adapters: int, shared: Path | None = None) -> None:
    """Ask the base and adapters alone, then all in one batch. `base` tells the layers' sizes. Raises AdaptersMixed.

    With as many adapters as the engine computes side by side, none of its places is left empty. `shared` is where the
    engine reads adapters.
    """
    vocabulary = base.get_input_embeddings().num_embeddings
    prompts = [[(each * 31 + place * 7) % vocabulary for place in range(_PROMPT_TOKENS)] for each in range(_NUM_EACH)]
    adapters = [f"self-check-{number}" for number in range(num_adapters)]
    asked = [(adapter, prompt) for prompt in prompts for adapter in ("", *adapters)]
    with tempfile.TemporaryDirectory(prefix="ratchet-self-check-", dir=shared) as directory:
        for seed, adapter in enumerate(adapters):
            _write(base, Path(directory, adapter), seed)
            await engine.add_adapter(adapter, Path(directory, adapter))
        try:
            alone = {(name, *prompt): await engine.generate(name, prompt, _SAMPLING) for name, prompt in sorted(asked)}
            mixed = await asyncio.gather(*(engine.generate(name, prompt, _SAMPLING) for name, prompt in asked))
        finally:
            for adapter in adapters:
                await engine.remove_adapter(adapter)
    rounding = _ROUNDING[dtype]
    for adapter in adapters:
        effect = max(_difference(alone["", *prompt], alone[adapter, *prompt]) for prompt in prompts)
        if not effect > 4 * rounding:
            raise AdaptersMixed(
                f"an adapter that must change every answer changes them by {effect:.3g} nats a token; "
                "this engine does not apply adapters, choose another serving.engine"
            )
    for (adapter, prompt), answer in zip(asked, mixed, strict=True):
        worst = _difference(alone[adapter, *prompt], answer)
        if not worst <= rounding:
            raise AdaptersMixed(
                f"a request for {'an adapter' if adapter else 'the base'} gets another answer in a batch with other "
                f"adapters than alone: {worst:.3g} nats a token (at most {rounding} is rounding). On a CPU vLLM needs "
                "Ratchet's plugin: install Ratchet itself (pip install -e .) beside vLLM, and leave VLLM_PLUGINS unset"
            )


def _difference(one: Completion, other: Completion) -> float:
    """Of their log-probabilities, as far as they are one text: at a tie either token may come first."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one.token_ids, other.token_ids, strict=False)))
    pairs = zip(one.logprobs[: same + 1], other.logprobs[: same + 1], strict=False)
    return max(abs(mine - others) for mine, others in pairs)


def _write(base: Any, directory: Path, seed: int) -> None:
    """A LoRA adapter of random numbers, strong enough to change whatever the base says."""
    from safetensors.torch import save_file

    directory.mkdir()
    generator = torch.Generator().manual_seed(seed)
    tensors: dict[str, torch.Tensor] = {}
    for name, layer in base.named_modules():
        if isinstance(layer, torch.nn.Linear) and name.rpartition(".")[2] in _LAYERS:
            down = torch.randn(_RANK, layer.in_features, generator=generator) / layer.in_features**0.5
            up = torch.randn(layer.out_features, _RANK, generator=generator)
            tensors[f"base_model.model.{name}.lora_A.weight"] = down
            tensors[f"base_model.model.{name}.lora_B.weight"] = up
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": _RANK,
        "lora_alpha": _RANK,
        "target_modules": sorted({name.split(".")[-3] for name in tensors}),
        "bias": "none",
    }
    (directory / "adapter_config.json").write_text(json.dumps(config))
    save_file(tensors, directory / "adapter_model.safetensors")
