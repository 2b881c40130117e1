"""What a pretraining run can be told. The defaults made the committed checkpoint."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings
from services.training.pretraining.architecture import Shape


class PretrainingSettings(RoomSettings):
    """One run. With the same file, settings and number of threads it gives the same weights."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_PRETRAINING__")

    seed: int = 0
    num_steps: int = 2600
    """Optimiser steps."""
    decay_from: float = 0.4
    """Part of the steps after which the learning rate falls, to a twentieth in the end."""
    learning_rate: float = 1e-3
    """Twice as much wrecks the initialisation."""
    weight_decay: float = 0.01
    warmup_steps: int = 60
    batch_tokens: int = 2048
    """Tokens of a step, padding included."""
    queries_per_page: int = 12
    dense_share: float = 0.4
    """Part of the questions on a whole page that are look-ups rather than the expert's steps."""
    num_decisions: int = 16
    """Questions without their page in a step."""
    max_page_tokens: int = 800
    held_out_worlds: int = 1
    """Worlds of the file that are only measured on."""
    threads: int = 2
    checkpoint_every_s: float = 120.0
    evaluate_every: int = 500
    """Steps between measurements on the held-out worlds."""
    evaluate_on: int = 400
    """Held-out steps that a measurement in between uses (the last one uses all)."""
    reliability: tuple[float, float] = (1.0, 1.0)
    """Between which shares of a template's demonstrations go right; (1, 1) is the expert alone."""
    shape: Shape = Shape()
