"""Who is built how: the rooms in the order in which they start; they stop in the reverse order."""

from __future__ import annotations

import importlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, cast

from services.common.addresses import ROOMS
from services.common.errors import InvalidArgument
from services.common.rpc import Dial, Mount


class OpenRoom(Protocol):
    """Builds a room from its settings table, channels to other rooms, and the data directory."""

    def __call__(self, table: dict[str, Any], dial: Dial, home: Path) -> AbstractAsyncContextManager[list[Mount]]: ...


def select(rooms: list[str]) -> list[str]:
    """The wanted rooms in starting order; all of them for []. InvalidArgument names an unknown one."""
    for room in rooms:
        if room not in ROOMS:
            raise InvalidArgument(f"there is no room {room!r}; rooms are {', '.join(ROOMS)}", room=room)
    return [room for room in ROOMS if not rooms or room in rooms]


def opener(room: str) -> OpenRoom:
    """How that room is built; importing it late keeps every other room's libraries out."""
    return cast(OpenRoom, importlib.import_module(f"services.host.rooms.{room}").open_room)
