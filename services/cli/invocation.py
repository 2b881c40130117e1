"""What was asked on the command line, apart from the command itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from services.common.addresses import Addresses


@dataclass(frozen=True)
class Invocation:
    """The shared options. `home` is expanded but may not exist yet."""

    home: Path
    server: tuple[str, ...] = ()
    as_json: bool = False
    config: Path | None = None

    @property
    def is_remote(self) -> bool:
        """Whether the host is somebody else's: its rooms were named, not found on --home."""
        return bool(self.server)

    def addresses(self) -> Addresses:
        """Where the rooms are. InvalidArgument for a --server that names no room."""
        from services.common.addresses import Addresses

        return Addresses.discover(self.home, list(self.server))

    def again(self, *command: str) -> str:
        """How the person would type another command with the same shared options."""
        words = ["ratchet"]
        if self.home != Path("~/.ratchet").expanduser():
            words += ["--home", str(self.home)]
        for server in self.server:
            words += ["--server", server]
        return " ".join([*words, *command])


def of(ctx: typer.Context) -> Invocation:
    """The invocation of a command."""
    found = ctx.find_object(Invocation)
    if found is None:
        raise RuntimeError("a command runs under the root, which makes the invocation")
    return found
