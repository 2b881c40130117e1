"""The arena's control API, as environments ask it."""

from __future__ import annotations

from collections.abc import Callable

from services.common.arena import ArenaControl
from services.rollout.ports import BadTask, EnvironmentFailed


def control(find_url: Callable[[], str]) -> ArenaControl:
    """Raises BadTask for what the arena does not know, EnvironmentFailed for the rest."""
    return ArenaControl(find_url, BadTask, EnvironmentFailed, timeout_s=30.0)
