"""Spare contexts: opened ahead, used by nobody, taken by the next session that wants one like it.

Invariant: a spare belongs to one session or to none, and never comes back; there are at most `limit` of them, for the
profiles of the last sessions; one whose process died, left service, or that got too old is closed.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from services.browser.errors import BrowserMissing
from services.browser.ports import ContextOptions, TabCrashed
from services.common import telemetry

if TYPE_CHECKING:
    from services.browser.adapters.context import ChromiumContext


class Profile(NamedTuple):
    """What a context can be given only when it is opened, or only slowly later."""

    origins: tuple[str, ...]
    viewport: tuple[int, int]
    locale: str
    timezone: str
    permissions: tuple[str, ...]

    @classmethod
    def of(cls, options: ContextOptions) -> Profile:
        """The profile of a session."""
        return cls(options.origins, options.viewport, options.locale, options.timezone, options.permissions)


@dataclass
class _Spare:
    profile: Profile
    context: ChromiumContext
    since: float
    # Its process died, or takes no more sessions.
    lost: bool = False


class Spares:
    """The contexts that wait, and the task that opens them."""

    def __init__(
        self, opened: Callable[[Profile], Awaitable[ChromiumContext]], *, limit: int, max_age_s: float
    ) -> None:
        """`opened` gives a new context with its page; it may raise what Browser.open does."""
        self._opened, self._max_age_s = opened, max_age_s
        self._spares: list[_Spare] = []
        # Of the last sessions: for each of them one spare.
        self._wanted: deque[Profile] = deque(maxlen=limit)
        self._last_wanted = 0.0
        self._work: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._spares)

    def __iter__(self) -> Iterator[ChromiumContext]:
        return iter([spare.context for spare in self._spares])

    def take(self, profile: Profile) -> ChromiumContext | None:
        """A spare of this profile for good; None when there is none."""
        for spare in self._spares:
            if spare.profile == profile and not spare.lost:
                self._spares.remove(spare)
                spare.context.died, spare.context.retired = _nothing, _nothing
                return spare.context
        return None

    def want(self, profile: Profile) -> None:
        """A session of this profile was opened: open a spare for the next, soon."""
        if not self._wanted.maxlen:
            return
        self._wanted.append(profile)
        self._last_wanted = time.monotonic()
        self._changed.set()
        if self._work is None:
            self._work = asyncio.create_task(self._keep(), name="browser: keep contexts warm")

    async def stop(self) -> None:
        """Close every spare, open no more."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        self._wanted.clear()
        spares, self._spares = self._spares, []
        await asyncio.gather(*(spare.context.close() for spare in spares))

    async def _keep(self) -> None:
        """Bring the spares in line with what is wanted, one change at a time; sleep until that changes."""
        while True:
            self._changed.clear()
            try:
                while await self._change():
                    pass
            except (BrowserMissing, TabCrashed, ValueError) as error:
                # The session that needs it is told; here nobody waits.
                telemetry.log().warning("no context opened ahead", problem=str(error))
            due = min((spare.since for spare in self._spares), default=None)
            try:
                async with asyncio.timeout(None if due is None else due + self._max_age_s - time.monotonic()):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _change(self) -> bool:
        """Close one spare or open one; False when all is as it should be."""
        now = time.monotonic()
        if now - self._last_wanted > self._max_age_s:
            self._wanted.clear()
        missing = Counter(self._wanted)
        for spare in self._spares:
            missing[spare.profile] -= 1
            if missing[spare.profile] < 0 or spare.lost or now - spare.since > self._max_age_s:
                await self._drop(spare)
                return True
        # The most recent first: it is the likeliest to come again.
        profile = next((profile for profile in reversed(self._wanted) if missing[profile] > 0), None)
        if profile is None:
            return False
        context = await self._opened(profile)
        spare = _Spare(profile, context, time.monotonic())
        context.died = context.retired = functools.partial(self._lose, spare)
        self._spares.append(spare)
        return True

    async def _drop(self, spare: _Spare) -> None:
        self._spares.remove(spare)
        await asyncio.shield(spare.context.close())

    def _lose(self, spare: _Spare, *_: str) -> None:
        """Nobody takes it any more."""
        spare.lost = True
        self._changed.set()


def _nothing(*_: str) -> None:
    pass
