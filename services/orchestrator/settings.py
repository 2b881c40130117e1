"""Settings of the orchestrator."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class OrchestratorSettings(RoomSettings):
    """Where its records are, and the defaults of an iteration."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_ORCHESTRATOR__")

    database_url: str = Field("", description="SQLAlchemy URL; empty keeps a SQLite file under the home.")
    workflow_database_url: str = Field("", description="Database of the durable workflows; empty as above.")
    executor_id: str = Field(
        "orchestrator-0", description="Name of this executor, unlike any other's on the database (a pod's name)."
    )
    executor_stale_s: float = Field(
        20.0, gt=0, description="An executor not heard of for so long is dead: others on its PostgreSQL take over."
    )
    arena_url: str = Field("", description="Arena control API; empty finds the one on this home.")
    parallel_episodes: int = Field(8, ge=1, le=256, description="Episodes at a time where a request does not say.")
    max_attempts: int = Field(4, ge=1, description="Attempts at an episode whose machinery fails.")
    room_wait_s: float = Field(
        300.0, ge=0, description="How long an episode waits for a room that is away before its attempts are spent."
    )
    max_lost_share: float = Field(
        0.05, ge=0, le=1, description="Share of a phase's episodes that may stay without a result."
    )
    episode_timeout_s: float = Field(900.0, gt=0, description="Longest time of one attempt.")

    def database(self, home: Path) -> str:
        """URL of the records."""
        return self.database_url or f"sqlite+aiosqlite:///{home / 'orchestrator.db'}"

    def workflows(self, home: Path) -> str:
        """URL of the workflow engine's own tables."""
        return self.workflow_database_url or f"sqlite:///{home / 'workflows.db'}"
