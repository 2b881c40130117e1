"""Where trajectories are kept."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class TrajectorySettings(RoomSettings):
    """Empty URLs put everything into the host's data directory."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_TRAJECTORY__")

    # SQLAlchemy's form, e.g. "postgresql+psycopg://user@host/ratchet" or "sqlite+aiosqlite:////data/t.db".
    database_url: str = ""
    # "file:///data/blobs" or "s3://bucket/prefix".
    blobs_url: str = ""
    # Level of zstd; 3 costs about 3 ms per MB.
    compression_level: int = Field(default=3, ge=1, le=19)

    def database(self, home: Path) -> str:
        """The database's URL, by default a file under `home`."""
        return self.database_url or f"sqlite+aiosqlite:///{home / 'trajectories.db'}"

    def blobs(self, home: Path) -> str:
        """The object store's URL, by default a directory under `home`."""
        return self.blobs_url or (home / "objects").absolute().as_uri()
