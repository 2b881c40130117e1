"""The arena's settings: where it listens and how much it keeps in memory."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ArenaSettings(BaseSettings):
    """Read from `RATCHET_ARENA__*`; every default suits a laptop."""

    model_config = SettingsConfigDict(
        env_prefix="RATCHET_ARENA__", env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    host: str = Field("127.0.0.1", description="Address to bind; loopback keeps the sites private.")
    public_host: str = Field("", description="Host under which others reach it, e.g. a Service's; empty: `host`.")
    site_ports: dict[str, int] = Field(
        default_factory=dict, description="Port per site key (e.g. shopping); a missing one is chosen free."
    )
    miniwob_port: int = Field(0, ge=0, le=65535, description="Port of the MiniWoB++ pages; 0 = any free port.")
    miniwob_html: str = Field(
        "", description="Directory of the MiniWoB++ pages; empty finds the installed package miniwob."
    )
    control_port: int = Field(0, ge=0, le=65535, description="Port of the control API; 0 = any free port.")
    num_cached_worlds: int = Field(8, ge=1, description="Worlds kept built; one is about 1 MB.")
    max_episodes: int = Field(512, ge=1, description="Live episodes before new ones are refused.")
    idle_timeout_s: float = Field(1800.0, gt=0, description="An episode unused for this long may be dropped.")
    stop_timeout_s: int = Field(2, ge=0, description="Grace for open connections when stopping, in seconds.")
