"""Settings of the operator."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class OperatorSettings(RoomSettings):
    """Which resources it answers for, and how often it looks."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_OPERATOR__")

    namespace: str = Field("", description="Whose SelfImprovements these are; empty is the pod's own namespace.")
    follow_s: float = Field(5.0, gt=0, description="Time between two looks at an iteration that runs.")
    retry_s: float = Field(10.0, gt=0, description="Time until what could not be done is tried again.")
    liveness: str = Field("", description="Where a probe asks, e.g. http://0.0.0.0:8080/healthz; empty is nowhere.")
    report_url: str = Field(
        "", description="Where an iteration's report or dashboard is, {iteration} is its id; empty tells the command."
    )
