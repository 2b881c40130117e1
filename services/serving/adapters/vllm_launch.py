"""How vLLM is started for a room: its arguments, its environment, its tokenizer.

Invariant: starting it leaves this process's environment as it was; what vLLM sets there (a preloaded allocator, thread
counts) is for its own processes, not for a browser or a trainer that is started later.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.common import checkpoints
from services.common.checkpoints import Checkpoint
from services.common.errors import FailedPrecondition
from services.serving.adapters.grammar import guided
from services.serving.adapters.loading import ModelUnusable
from services.serving.adapters.variants import MERGE_BELOW
from services.serving.ports import Model, Sampling
from services.serving.settings import ServingSettings

if TYPE_CHECKING:
    from vllm import SamplingParams
    from vllm.v1.engine.async_llm import AsyncLLM

_SHUTDOWN_S = 2.0
_CPU_KV_CACHE_MB = 1024
# The CPU's attention wants multiples of 32, and reuses whole blocks only: the smallest reuses most.
_CPU_BLOCK_TOKENS = 32
# Not xgrammar, vLLM's first choice: with a small vocabulary it masks tokens that the grammar allows.
_GRAMMAR_BACKEND = "guidance"
_TOKENIZER_FILES = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "*.jinja")


class VllmMissing(FailedPrecondition):
    """The engine was chosen and is not installed."""

    reason = "VLLM_MISSING"


def require() -> None:
    """Raises VllmMissing where vLLM cannot be imported."""
    if find_spec("vllm") is None:
        raise VllmMissing(
            "serving.engine is vllm, and vLLM is not installed here; run `make setup-vllm` and use .venv-vllm "
            "(on a GPU: pip install 'ratchet-agent[vllm]'), or set serving.engine to transformers"
        )


class Launch:
    """Starts engines for one base, one after the other."""

    def __init__(self, settings: ServingSettings, checkpoint: Checkpoint, model: Model) -> None:
        self._settings = settings
        self._checkpoint = checkpoint
        self._model = model
        self._scratch = Path(tempfile.mkdtemp(prefix="ratchet-vllm-"))
        # Only here: a frame that kept it, too, would call its finaliser when half of Python is gone.
        self.engine: AsyncLLM | None = None

    def start(self) -> None:
        """Start an engine; takes tens of seconds and must not run on the event loop. Raises ModelUnusable."""
        with _environment(self._variables()):
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM

            from services.serving.adapters.vllm_metrics import RoomStats

            try:
                arguments = AsyncEngineArgs(**self._arguments())
                self.engine = AsyncLLM.from_engine_args(arguments, stat_loggers=[RoomStats])
            except (ValueError, RuntimeError, OSError) as error:
                raise ModelUnusable(
                    f"vLLM cannot serve {self._checkpoint.uri}: {error}", model=self._model.name
                ) from error

    def shut_down(self) -> None:
        """End the engine's process, which has nothing left to do. Idempotent."""
        if self.engine is not None:
            self.engine.shutdown(_SHUTDOWN_S)
            self.engine = None
            gc.collect()

    def close(self) -> None:
        """End the engine, and remove what was written for it."""
        self.shut_down()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _variables(self) -> dict[str, str]:
        settings = self._settings
        threads = settings.threads or (1 if self._model.num_parameters <= MERGE_BELOW else os.cpu_count() or 1)
        variables = {
            "VLLM_NO_USAGE_STATS": "1",
            "VLLM_LOGGING_LEVEL": os.environ.get("VLLM_LOGGING_LEVEL", "ERROR"),
            # Its threads share the cores with browsers and trainers instead of being bound to them.
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",
            "OMP_NUM_THREADS": str(threads),
            "OMP_WAIT_POLICY": "passive",
            # On a CPU this lets the scheduler's process compute, too: a third one would cost start-up and memory.
            "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        }
        if self._checkpoint.directory or not settings.allow_download:
            variables["HF_HUB_OFFLINE"] = "1"
        return variables

    def _arguments(self) -> dict[str, Any]:
        from vllm.platforms import current_platform

        settings, on_cpu = self._settings, current_platform.is_cpu()
        device = settings.device.partition(":")[0]
        if device not in ("auto", "cpu" if on_cpu else "cuda"):
            raise ModelUnusable(
                f"serving.device is {settings.device!r}, and the vLLM that is installed runs on "
                f"{'a CPU' if on_cpu else 'GPUs'}; use auto, or install the other build"
            )
        kv_cache_mb = settings.vllm.kv_cache_mb or (_CPU_KV_CACHE_MB if on_cpu else 0)
        return {
            "model": self._checkpoint.uri,
            "tokenizer": self._tokenizer(),
            "dtype": "float32" if on_cpu and settings.dtype == "auto" else settings.dtype,
            "max_model_len": self._model.context_tokens,
            "max_num_seqs": settings.max_batch,
            "tensor_parallel_size": settings.vllm.tensor_parallel,
            "distributed_executor_backend": "uni" if settings.vllm.tensor_parallel == 1 else "mp",
            "gpu_memory_utilization": settings.vllm.gpu_memory_share,
            "kv_cache_memory_bytes": kv_cache_mb * 1_000_000 or None,
            "block_size": _CPU_BLOCK_TOKENS if on_cpu else None,
            "enable_prefix_caching": settings.prefix_cache_mb > 0,
            "enable_lora": True,
            "max_lora_rank": settings.vllm.max_lora_rank,
            "max_loras": settings.vllm.max_loras,
            # One more: an adapter comes before the one that it drives out has gone.
            "max_cpu_loras": max(settings.max_adapters, settings.vllm.max_loras) + 1,
            "structured_outputs_config": {"backend": _GRAMMAR_BACKEND},
            "use_tqdm_on_load": False,
        }

    def _tokenizer(self) -> str:
        directory = self._checkpoint.directory
        if directory is None or checkpoints.tokenizer_class(directory) == "AutoTokenizer":
            return self._checkpoint.uri
        # Beside a config.json of a type without a tokenizer of its own, it is what its own files say.
        target = self._scratch / "tokenizer"
        target.mkdir(exist_ok=True)
        (target / "config.json").write_text('{"model_type": "gpt_neox"}')
        for path in (path for pattern in _TOKENIZER_FILES for path in directory.glob(pattern)):
            shutil.copy(path, target)
        return str(target)


def sampling_params(sampling: Sampling, max_tokens: int) -> SamplingParams:
    """vLLM's words for a way of drawing; `max_tokens` is what the context leaves."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    return SamplingParams(
        max_tokens=min(sampling.max_new_tokens, max_tokens),
        temperature=sampling.temperature,
        seed=sampling.seed % 2**63,
        stop=list(sampling.stop),
        # The chosen token's own, under the model's distribution.
        logprobs=0,
        # Text is made here, by the tokenizer of the prompt; vLLM needs it only to find stop strings.
        detokenize=bool(sampling.stop),
        skip_special_tokens=False,
        structured_outputs=StructuredOutputsParams(grammar=guided(sampling.regex)) if sampling.regex else None,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
