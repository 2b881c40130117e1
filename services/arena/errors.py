"""What can go wrong in the arena, told with its cause and the next step."""

from __future__ import annotations


class ArenaError(Exception):
    """A request to the arena that cannot be met; `cause` says why, `next_step` what to do about it."""

    def __init__(self, cause: str, next_step: str) -> None:
        super().__init__(f"{cause}: {next_step}")
        self.cause = cause
        self.next_step = next_step


class BadInput(ArenaError):
    """The caller asked for something that does not exist or is malformed (HTTP 400)."""


class UnknownResource(ArenaError):
    """The episode, suite or task named does not exist (HTTP 404)."""


class TooManyEpisodes(ArenaError):
    """The arena holds as many live episodes as its settings allow (HTTP 429)."""


class PortInUse(ArenaError):
    """A socket could not be bound at start."""


class NotInstalled(ArenaError):
    """What was asked for comes with a package that this installation lacks (HTTP 503)."""
