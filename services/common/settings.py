"""Configuration: one frozen class per room, read from TOML and then from the environment.

Invariant: an unknown key fails, naming it. The environment (RATCHET_<ROOM>__FIELD) wins over the file.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from services.common.errors import InvalidArgument


class RoomSettings(BaseSettings):
    """Base of every room's settings; subclasses set `env_prefix="RATCHET_<ROOM>__"`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", env_nested_delimiter="__")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


S = TypeVar("S", bound=BaseSettings)


def read_toml(path: Path | None) -> dict[str, dict[str, Any]]:
    """Tables of a configuration file, one per room; {} without a file."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        raise InvalidArgument(f"cannot read the configuration {path}: {error.strerror}; check --config") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidArgument(f"{path} is not TOML: {error}") from error


def load(cls: type[S], values: dict[str, Any]) -> S:
    """Build settings from a file's table and the environment; InvalidArgument names each wrong key."""
    try:
        return cls(**values)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        prefix = cls.model_config.get("env_prefix", "")
        raise InvalidArgument(f"bad settings ({prefix}*): {faults}") from error
