"""All sessions of the room: admission, names, budgets, ends.

Invariant: at most `max_sessions` are open, counting those being opened; each ends by deletion, crash, budget
or idleness, and a call on an ended one is told which.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import NamedTuple

from services.browser import metrics
from services.browser.addresses import Addresses
from services.browser.errors import SessionCrashed, SessionGone
from services.browser.ports import Browser, Context, ContextOptions, TabCrashed
from services.browser.sessions import Session
from services.browser.settings import BrowserSettings
from services.common import ids, telemetry
from services.common.errors import InvalidArgument, RatchetError, ResourceExhausted, Unavailable

_REMEMBERED = 1_000
_SWEEP_S = 1.0
# Soon: another browser behind the same name may have room.
_RETRY_S = 0.5


class Opening(NamedTuple):
    """What a session is opened with."""

    addresses: Addresses
    options: ContextOptions
    # Display URL.
    start_url: str
    budget_s: float


class Registry:
    """Opens, finds and ends sessions."""

    def __init__(self, browser: Browser, settings: BrowserSettings) -> None:
        self._browser, self._settings = browser, settings
        self._sessions: dict[str, Session] = {}
        self._deadlines: dict[str, float] = {}
        self._requests: dict[str, str] = {}
        self._ended: OrderedDict[str, RatchetError] = OrderedDict()
        self._opening = 0
        self._ending: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.Task[None] | None = None
        self._draining, self._left = False, asyncio.Event()

    def start(self) -> None:
        """Begin to watch budgets."""
        self._sweeper = asyncio.create_task(self._sweep(), name="browser: watch budgets")

    async def drain(self) -> None:
        """Open no more sessions; returns when the last has ended."""
        self._draining = True
        while self._sessions or self._opening:
            self._left.clear()
            await self._left.wait()

    async def stop(self) -> None:
        """End every session and the browser."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        leaving = SessionGone("the browser room is shutting down; open a new session elsewhere")
        await asyncio.gather(*(self.end(name, leaving) for name in list(self._sessions)))
        await self._browser.stop()

    async def open(self, request_id: str, opening: Opening) -> Session:
        """A new session on its start page, or the one that the same request opened before.

        Raises ResourceExhausted, PageNotLoaded, SessionCrashed, BrowserMissing, InvalidArgument; Unavailable while it
        drains.
        """
        known = self._sessions.get(self._requests.get(request_id, ""))
        if known is not None:
            return known
        if self._draining:
            raise Unavailable("this browser is shutting down; another one opens the session")
        if len(self._sessions) + self._opening >= self._settings.max_sessions:
            raise ResourceExhausted(
                f"{self._settings.max_sessions} sessions are open; delete one, try later, or raise "
                "RATCHET_BROWSER__MAX_SESSIONS",
                max_sessions=self._settings.max_sessions,
                retry_after_s=_RETRY_S,
            )
        with metrics.SESSION_SECONDS.time():
            session = await self._open(opening)
        if request_id:
            self._requests[request_id] = session.name
        return session

    async def _open(self, opening: Opening) -> Session:
        # Counted until it is among the sessions, with no pause in between.
        self._opening += 1
        try:
            context = await self._browser.open(opening.options)
        except TabCrashed as error:
            metrics.CRASHES.inc()
            raise SessionCrashed(f"{error}; try again") from error
        except ValueError as error:
            raise InvalidArgument(f"Chromium does not take what the session is opened with: {error}") from error
        finally:
            self._opening -= 1
            self._left.set()
        session = Session(f"sessions/{ids.new_id()}", context, opening.addresses, self._settings.max_blob_bytes)
        metrics.SESSIONS_OPEN.inc()
        self._sessions[session.name] = session
        self._deadlines[session.name] = time.monotonic() + (opening.budget_s or self._settings.session_budget_s)
        self._watch(session, context)
        try:
            await session.start(opening.start_url)
        except BaseException as error:
            gone = error if isinstance(error, RatchetError) else SessionGone(f"{session.name} was not opened")
            await self.end(session.name, gone)
            if isinstance(error, ValueError):
                raise InvalidArgument(f"start_url: {error}") from error
            raise
        metrics.SESSIONS_CREATED.inc()
        return session

    def get(self, name: str) -> Session:
        """The session of that name. Raises SessionGone, or SessionCrashed, with what became of it."""
        ids.parse(name, "sessions")
        session = self._sessions.get(name)
        if session is not None:
            return session
        raise self._ended.get(name) or SessionGone(f"there is no {name}; open a session first", session=name)

    async def end(self, name: str, reason: RatchetError) -> None:
        """End a session; one that is gone is no error."""
        session = self._sessions.pop(name, None)
        if session is None:
            return
        self._deadlines.pop(name, None)
        self._requests = {request: other for request, other in self._requests.items() if other != name}
        self._ended[name] = session.ended or reason
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        await session.end(reason)
        self._left.set()

    def _watch(self, session: Session, context: Context) -> None:
        def died(what: str) -> None:
            if session.ended is not None:
                return
            metrics.CRASHES.inc()
            telemetry.log().warning("session crashed", session=session.name, what=what)
            crash = SessionCrashed(f"{session.name} {what}; open a new session", session=session.name)
            self._end_soon(session.name, crash)

        def spent(what: str) -> None:
            self._end_soon(session.name, SessionGone(f"{session.name} {what}", session=session.name))

        context.died, context.spent = died, spent

    def _end_soon(self, name: str, reason: RatchetError) -> None:
        task = asyncio.create_task(self.end(name, reason), name=f"browser: end {name}")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = time.monotonic()
            for name, session in list(self._sessions.items()):
                if session.ended is not None:
                    self._end_soon(name, session.ended)
                elif now >= self._deadlines.get(name, now):
                    self._end_soon(name, SessionGone(f"{name} used up its time budget; open a new one", session=name))
                elif now - session.last_used > self._settings.idle_s and not session.busy:
                    idle = f"{name} was not used for {self._settings.idle_s:g} s; open a new one"
                    self._end_soon(name, SessionGone(idle, session=name))
