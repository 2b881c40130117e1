"""Serves the sites, the MiniWoB++ pages and the control API from one server in the caller's event loop.

Invariant: each has a port, and so an origin, of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from services.arena.app import site_app
from services.arena.control import control_app
from services.arena.errors import ArenaError, BadInput, NotInstalled, PortInUse
from services.arena.miniwob import package
from services.arena.miniwob.pages import pages_app
from services.arena.settings import ArenaSettings
from services.arena.sites import SITES
from services.arena.state import Registry
from services.arena.world import Worlds

_CONTROL, _MINIWOB = "control", "miniwob"


class _QuietServer(uvicorn.Server):
    """A uvicorn server that leaves the process's signals to whoever hosts it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _ByPort:
    """Hands a request to the application whose port it came in on."""

    def __init__(self, apps: dict[int, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[scope["server"][1]](scope, receive, send)


class ArenaServer:
    """All sites plus control. `urls` (by site key), `miniwob_url` and `control_url` are known after `start()`."""

    def __init__(self, settings: ArenaSettings | None = None) -> None:
        self._settings = settings or ArenaSettings()
        self.registry = Registry(self._settings.max_episodes, self._settings.idle_timeout_s)
        self.worlds = Worlds(self._settings.num_cached_worlds)
        self.urls: dict[str, str] = {}
        self.control_url = self.miniwob_url = ""
        self._server: _QuietServer | None = None
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Bind and serve. Raises PortInUse naming the port; BadInput for a port of an unknown site."""
        unknown = sorted(set(self._settings.site_ports) - set(SITES))
        if unknown:
            raise BadInput(f"site_ports names unknown sites {unknown}", f"use {', '.join(SITES)}")
        ports = {key: self._settings.site_ports.get(key, 0) for key in SITES}
        ports |= {_CONTROL: self._settings.control_port, _MINIWOB: self._settings.miniwob_port}
        miniwob = _miniwob(self._settings.miniwob_html)
        sockets = self._bind(ports)
        host = self._settings.public_host or self._settings.host
        urls = {key: f"http://{host}:{sock.getsockname()[1]}" for key, sock in sockets.items()}
        self.control_url, self.miniwob_url = urls.pop(_CONTROL), urls.pop(_MINIWOB)
        self.urls = urls
        apps: dict[str, ASGIApp] = {key: site_app(SITES[key], self.registry) for key in SITES}
        apps[_CONTROL] = control_app(self.registry, self.worlds, self.urls, miniwob, self.miniwob_url)
        # Without the package nothing is told of this port, and whoever finds it finds nothing.
        apps[_MINIWOB] = Starlette() if isinstance(miniwob, NotInstalled) else pages_app(miniwob)
        config = uvicorn.Config(
            _ByPort({sockets[key].getsockname()[1]: app for key, app in apps.items()}),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=self._settings.stop_timeout_s,
        )
        self._server = _QuietServer(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=list(sockets.values())))
        while not self._server.started:
            if self._serving.done():
                await self._serving
                raise ArenaError("the arena's server ended while starting", "look at the log above for why")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Close every connection and port. Safe to call twice."""
        if self._server is None or self._serving is None:
            return
        self._server.should_exit = True
        await self._serving
        self._server = self._serving = None

    async def __aenter__(self) -> ArenaServer:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    def _bind(self, ports: dict[str, int]) -> dict[str, socket.socket]:
        sockets: dict[str, socket.socket] = {}
        for key, port in ports.items():
            # The protocol is named because asyncio turns Nagle's delay (40 ms a reply) off only then.
            sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                sock.bind((self._settings.host, port))
            except OSError as error:
                for opened in [sock, *sockets.values()]:
                    opened.close()
                raise PortInUse(
                    f"cannot listen on {self._settings.host}:{port} for {key} ({error.strerror})",
                    "stop what uses it, or choose another port (0 = any free one)",
                ) from error
            sockets[key] = sock
        return sockets


def _miniwob(directory: str) -> package.Package | NotInstalled:
    try:
        return package.find(directory)
    except NotInstalled as missing:
        return missing
