"""Who is built how: the rooms in the order in which they start; they stop in the reverse order."""

from __future__ import annotations

import importlib
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, cast

from services.common.addresses import ROOMS
from services.common.errors import InvalidArgument
from services.common.rpc import Dial, Mount

# Rooms that nobody dials and that only who names them gets: they want something that not every machine has.
BESIDE = ("operator",)


class OpenRoom(Protocol):
    """Builds a room from its settings table, channels to other rooms, and the data directory."""

    def __call__(self, table: dict[str, Any], dial: Dial, home: Path) -> AbstractAsyncContextManager[list[Mount]]: ...


def select(rooms: list[str]) -> list[str]:
    """The wanted rooms in starting order; [] wants all but those beside. InvalidArgument names an unknown one."""
    known = (*ROOMS, *BESIDE)
    for room in rooms:
        if room not in known:
            raise InvalidArgument(f"there is no room {room!r}; rooms are {', '.join(known)}", room=room)
    return [room for room in known if room in (rooms or ROOMS)]


def opener(room: str) -> OpenRoom:
    """How that room is built; importing it late keeps every other room's libraries out."""
    return cast(OpenRoom, importlib.import_module(f"services.host.rooms.{room}").open_room)
