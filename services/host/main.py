"""One process that hosts any subset of rooms: `ratchet up`, `ratchet serve browser`, a pod, a test.

Invariant: a room is entered after the rooms before it in the catalog and left before them; a host either
serves all of its rooms or none.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import prometheus_client
from grpc import aio

from services.common import rpc, settings, telemetry
from services.common.addresses import ROOMS, Addresses, socket_directory
from services.common.errors import FailedPrecondition, InvalidArgument
from services.host import catalog, metrics
from services.host.settings import HostSettings

# With less, databases could not even note that work has failed.
_MIN_FREE_BYTES = 10_000_000


class HomeNotWritable(FailedPrecondition):
    """The data directory cannot be used."""

    reason = "HOME_NOT_WRITABLE"


class RoomRunning(FailedPrecondition):
    """Another process hosts that room on the same data directory."""

    reason = "ROOM_RUNNING"


def run(home: Path, config: Path | None = None, rooms: list[str] | None = None) -> None:
    """Host the rooms (all for None) until SIGINT or SIGTERM. Raises RatchetError when one cannot start."""
    asyncio.run(_run(home, config, rooms or []))


async def _run(home: Path, config: Path | None, rooms: list[str]) -> None:
    tables = settings.read_toml(config)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with host(home, tables, rooms) as addresses:
        telemetry.log().info("host ready", home=str(home), rooms=catalog.select(rooms), pid=os.getpid())
        await stop.wait()
        telemetry.log().info("host stopping")
    del addresses


@asynccontextmanager
async def host(home: Path, tables: dict[str, dict[str, Any]], rooms: list[str]) -> AsyncIterator[Addresses]:
    """Serve the rooms while the block runs; yields where every room is."""
    known = {"host", *ROOMS, *catalog.BESIDE}
    if unknown := sorted(set(tables) - known):
        raise InvalidArgument(f"the configuration has unknown tables {unknown}; known are {sorted(known)}")
    own = settings.load(HostSettings, tables.get("host", {}))
    telemetry.configure_logging(own.log_level)
    _prepare(home)
    addresses = Addresses(rooms=own.addresses, sockets=socket_directory(home))
    async with AsyncExitStack() as stack:
        channels: dict[str, aio.Channel] = {}

        def dial(room: str, address: str = "") -> aio.Channel:
            wanted = address or addresses.address(room)
            if wanted not in channels:
                # A model has read the start of a prompt where the prompt before it was read.
                keyed = room == "serving"
                channels[wanted] = rpc.dial(wanted, of=addresses.address(room), keyed=keyed)
                stack.push_async_callback(channels[wanted].close)
            return channels[wanted]

        _serve_metrics(stack, home, own)
        for room in catalog.select(rooms):
            stack.enter_context(_claimed(home, room))
            opened = catalog.opener(room)(tables.get(room, {}), dial, home)
            if mounts := await stack.enter_async_context(opened):
                address = own.listen or addresses.address(room)
                await stack.enter_async_context(rpc.serve(mounts, address, own.drain_s, own.health_listen))
            telemetry.log().debug("room open", room=room)
        yield addresses


def _prepare(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True)
        socket_directory(home).mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = home / f".probe-{os.getpid()}"
        probe.write_text("")
        probe.unlink()
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise HomeNotWritable(
            f"cannot write to {home}: {error.strerror}; free some space or give the volume more, mend its permissions, "
            "or use --home",
            home=home,
        ) from error
    if free < _MIN_FREE_BYTES:
        raise HomeNotWritable(
            f"{home} has {free // 1_000_000} MB free, too little to start; free some space, give the volume more, or "
            "use --home",
            home=home,
        )


@contextmanager
def _claimed(home: Path, room: str) -> Iterator[None]:
    """Hold the room on this home; a process that dies lets go of it."""
    path = socket_directory(home) / f"{room}.lock"
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise RoomRunning(
                f"the room {room} already runs on {home} (process {file.read().strip()}); "
                "use it, stop it with `ratchet down`, or give another --home",
                room=room,
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _serve_metrics(stack: AsyncExitStack, home: Path, own: HostSettings) -> None:
    try:
        metrics.watch(home)
        server, thread = prometheus_client.start_http_server(own.metrics_port, own.metrics_host)
    except OSError as error:
        raise rpc.AddressInUse(
            f"cannot serve metrics on {own.metrics_host}:{own.metrics_port}: {error.strerror}; "
            "set RATCHET_HOST__METRICS_PORT to another port, or to 0"
        ) from error
    path = socket_directory(home) / "metrics.url"
    path.write_text(f"http://{own.metrics_host}:{server.server_port}/metrics\n")

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    stack.callback(close)
