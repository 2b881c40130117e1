"""Settings of the serving room."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class ServingSettings(RoomSettings):
    """`[serving]` in the configuration file, RATCHET_SERVING__* in the environment."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_SERVING__", frozen=True, extra="forbid")

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
    # Memory for the attention keys and values of earlier prompts, in MB; 0 turns their reuse off.
    prefix_cache_mb: int = Field(default=256, ge=0)
