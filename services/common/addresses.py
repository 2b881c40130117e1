"""Where each room listens: unix sockets of one host on a laptop, names of services on a cluster.

Invariant: a room never asks where another lives; it dials it by name and this map answers.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from services.common.errors import InvalidArgument, Unavailable

ROOMS = (
    "arena",
    "trajectory",
    "serving",
    "browser",
    "scoring",
    "curation",
    "training",
    "rollout",
    "orchestrator",
)
# A unix socket's path must fit in 107 bytes.
_MAX_PATH = 90


@dataclass(frozen=True)
class Addresses:
    """The address of every room; `default` serves those that are not listed."""

    rooms: dict[str, str] = field(default_factory=dict)
    default: str = ""
    sockets: Path | None = None

    def address(self, room: str) -> str:
        """Address of a room, `unix:/path.sock` or `host:port`; InvalidArgument for an unknown room."""
        if room not in ROOMS:
            raise InvalidArgument(f"there is no room {room!r}; rooms are {', '.join(ROOMS)}", room=room)
        if known := self.rooms.get(room) or self.default:
            return known
        if self.sockets is None:
            raise InvalidArgument(f"no address is known for the room {room!r}; give --server {room}=HOST:PORT")
        return f"unix:{self.sockets / room}.sock"

    @classmethod
    def discover(cls, home: Path, server: list[str]) -> Addresses:
        """Addresses from `--server` values (HOST:PORT for all, room=HOST:PORT for one), else home's sockets."""
        rooms, default = {}, ""
        for value in server:
            room, equals, address = value.partition("=")
            if not equals:
                default = value
            elif room in ROOMS:
                rooms[room] = address
            else:
                raise InvalidArgument(f"--server {value}: there is no room {room!r}; rooms are {', '.join(ROOMS)}")
        return cls(rooms=rooms, default=default, sockets=socket_directory(home))


def socket_directory(home: Path) -> Path:
    """Directory of the sockets: home/run, or a short one of its own where that path would be too long."""
    run = home.resolve() / "run"
    if len(bytes(run)) <= _MAX_PATH:
        return run
    digest = hashlib.sha256(bytes(run)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"ratchet-{digest}"


def arena_url(home: Path) -> str:
    """Address of the arena's control API as the arena on this home wrote it; Unavailable when none runs."""
    path = socket_directory(home) / "arena.url"
    try:
        return path.read_text().strip()
    except OSError:
        raise Unavailable(
            "no arena runs on this home; start one with `ratchet up`, or set arena_url to where one runs"
        ) from None
