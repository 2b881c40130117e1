"""Settings of the rollout worker."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class Replica(BaseModel):
    """One copy of a site, from the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str = Field(description="URL under which tasks and agents know the site.")
    url: str = Field(description="Where this copy answers.")
    reset: str = Field("", description="Asked with POST after each episode; returns when the copy is as new.")


class Login(BaseModel):
    """How to sign in to a site, from the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str = Field(description="URL under which tasks know the site.")
    page: str = Field(description='Path of the page with the form, e.g. "/login".')
    form: dict[str, SecretStr] = Field(description="Names of the form's fields to what is filled in.", min_length=1)


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
    replicas: list[Replica] = Field(
        default_factory=list,
        description="Copies of hosted sites, leased to one episode at a time: tables of site, url and reset.",
    )
    logins: list[Login] = Field(
        default_factory=list, description="How to sign in to hosted sites: tables of site, page and form."
    )
    replica_wait_s: float = Field(600.0, gt=0, description="Longest wait for a replica that is free.")
    replica_reset_s: float = Field(600.0, gt=0, description="Longest time that a reset may take.")
    session_wait_s: float = Field(600.0, gt=0, description="Longest wait for a browser that has room for a session.")
    session_budget_s: float = Field(600.0, gt=0, description="Longest life of an episode's browser session.")
    model_timeout_s: float = Field(180.0, gt=0, description="Longest wait for one model response.")
    max_inline_observation_bytes: int = Field(
        60_000, ge=1_000, description="Longer observations are stored as a blob of their own."
    )
