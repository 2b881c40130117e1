"""Settings of the serving room."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings
from services.serving.deployed import Deployed


class VllmSettings(BaseModel):
    """What only the engine "vllm" has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Memory for attention keys and values in MB; 0 is 1024 on a CPU, and what the weights leave on a GPU.
    kv_cache_mb: int = Field(default=0, ge=0)
    # Share of a GPU's memory that the engine takes.
    gpu_memory_share: float = Field(default=0.9, gt=0, le=1)
    # GPUs that one copy of the model is spread over.
    tensor_parallel: int = Field(default=1, ge=1)
    # Highest rank of an adapter. Every adapter takes the room and the time of this rank.
    max_lora_rank: Literal[8, 16, 32, 64, 128, 256, 512] = 32
    # Different adapters computed in one step; requests for more wait.
    max_loras: int = Field(default=4, ge=1)


class ServingSettings(RoomSettings):
    """`[serving]` in the configuration file, RATCHET_SERVING__* in the environment."""

    model_config = SettingsConfigDict(
        env_prefix="RATCHET_SERVING__", frozen=True, extra="forbid", env_ignore_empty=True
    )

    # "transformers" needs nothing more; "vllm" needs vLLM installed beside Ratchet (make setup-vllm);
    # "openai" is vLLM's servers at `urls`, which see the adapters in this home under the same path.
    engine: Literal["transformers", "vllm", "openai"] = "transformers"
    # Base URLs of the servers, without /v1; each must serve `model` with runtime LoRA loading.
    urls: tuple[str, ...] = ()
    # Name or directory of the base model.
    model: str = "ratchet-tiny"
    # More names for directories, beside the packaged ones.
    models: dict[str, Path] = Field(default_factory=dict)
    # "auto" takes CUDA where there is one.
    device: str = "auto"
    # "auto" is float32 on a CPU and bfloat16 on a GPU.
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    # CPU threads of one model step; 0 is one for a small model and every core for a large one.
    threads: int = Field(default=0, ge=0)
    # Ask the Hugging Face hub for a model that is not on this machine.
    allow_download: bool = True
    # Longest prompt plus response in tokens; 0 is what the model was made for.
    max_context_tokens: int = Field(default=0, ge=0)
    # Requests computed side by side.
    max_batch: int = Field(default=32, ge=1)
    # Requests in flight, computed or waiting; more are refused with RESOURCE_EXHAUSTED.
    max_requests: int = Field(default=256, ge=1)
    # Adapters kept in memory; the one unused for longest goes first.
    max_adapters: int = Field(default=8, ge=1)
    # Memory for the attention keys and values of earlier prompts, in MB; 0 turns their reuse off. vLLM keeps them in
    # what running requests leave of vllm.kv_cache_mb.
    prefix_cache_mb: int = Field(default=256, ge=0)
    vllm: VllmSettings = VllmSettings()
    # What answers requests for the adapter "deployed"; loaded before the room serves.
    deployed: Deployed = Deployed()
    # host:port for the Open Inference Protocol v2 over HTTP, e.g. "0.0.0.0:8080"; the room's own address then speaks
    # the protocol's gRPC, too. Empty is neither. Needs the extra "kserve".
    v2_listen: str = Field(default="", pattern=r"^(\S+:\d+)?$")
    # There, the model that is the deployed policy.
    v2_name: str = "ratchet"
