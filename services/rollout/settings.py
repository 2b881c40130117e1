"""Settings of the rollout worker."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class RolloutSettings(RoomSettings):
    """Bounds on what one worker does at a time, and the environments that it can reach."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_ROLLOUT__")

    max_episodes: int = Field(64, ge=1, description="Episodes at a time; more are refused.")
    arena_url: str = Field("", description="Arena control API; empty finds the one on this home.")
    sites: dict[str, str] = Field(
        default_factory=dict,
        description="Placeholder (__SHOPPING__) to the URL of a hosted site, for `sites` tasks.",
    )
    storage_state_dir: str = Field("", description="Directory of the .auth/*.json files that `sites` tasks name.")
    session_budget_s: float = Field(600.0, gt=0, description="Longest life of an episode's browser session.")
    model_timeout_s: float = Field(180.0, gt=0, description="Longest wait for one model response.")
    max_inline_observation_bytes: int = Field(
        60_000, ge=1_000, description="Longer observations are stored as a blob of their own."
    )
