"""How curation reads the store."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class CurationSettings(RoomSettings):
    """Nothing here changes a dataset."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_CURATION__")

    # Trajectories fetched at once.
    parallel_reads: int = Field(default=16, ge=1, le=128)
    # Time for the filter's pass over one run.
    filter_timeout_s: float = Field(default=600.0, gt=0)
