"""How curation reads the store, and how hard it tries to synthesise."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class CurationSettings(RoomSettings):
    """What changes synthetic rows is told by their dataset's card."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_CURATION__")

    # Trajectories fetched at once.
    parallel_reads: int = Field(default=16, ge=1, le=128)
    # Time for the filter's pass over one run.
    filter_timeout_s: float = Field(default=600.0, gt=0)
    # Time for one answer of the model, its wait in the queue included.
    generate_timeout_s: float = Field(default=300.0, gt=0)
    # Examples written, and attempts told in hindsight, at once.
    parallel_examples: int = Field(default=16, ge=1, le=128)
    # A new objective's cosine to every earlier one is below this (the paper's is 0.70).
    max_cosine: float = Field(default=0.70, gt=0, le=1)
    # Objectives that are written side by side and then decided in order. Another number gives other examples.
    block: int = Field(default=16, ge=1, le=256)
    # Attempts at an objective, and at each thing that an example is made of.
    objective_retries: int = Field(default=20, ge=1)
    example_retries: int = Field(default=4, ge=1)
    # Objectives drawn at most per row that is wanted, before the synthesis fails.
    max_drawn_per_row: int = Field(default=4, ge=1)
    # Temperature of what is synthesised; each request has its own seed.
    temperature: float = Field(default=0.7, ge=0, le=2)
