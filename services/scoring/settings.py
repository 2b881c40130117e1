"""How scoring works where a request does not say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class ScoringSettings(RoomSettings):
    """Defaults are what the reports of this project use."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_SCORING__")

    # How answers, pages and URLs are compared; "webarena" to stand beside published numbers (see matching.py).
    matching: Literal["strict", "webarena"] = "strict"
    # Time for one look at a page, loading it included.
    probe_timeout_s: float = Field(default=30.0, gt=0)
    # Bootstrap resamples when a request asks for 0.
    num_resamples: int = Field(default=10_000, ge=1_000)
