"""An episode's own state of every site, copy-on-write, and the registry of live episodes.

Invariant: nothing that an episode writes can be read by another. Until its first write an episode reads the
world's shared database, which refuses writes; the first write makes a private copy from the world's bytes.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.arena import metrics
from services.arena.errors import TooManyEpisodes, UnknownResource

if TYPE_CHECKING:
    from services.arena.world import World


@dataclass
class Session:
    """A visitor's session on one site: who is signed in, and what to tell them on the next page."""

    user_id: int | None = None
    flashes: list[str] = field(default_factory=list)


class EpisodeState:
    """One episode: all sites' tables plus its sessions (keyed by site key and session id)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[tuple[str, str], Session] = {}
        self.last_used_s = time.monotonic()
        self._own: sqlite3.Connection | None = None

    def rows(self, sql: str, *args: object) -> list[sqlite3.Row]:
        """All rows of a SELECT, as this episode sees them."""
        return list((self._own or self.world.base).execute(sql, args))

    def one(self, sql: str, *args: object) -> sqlite3.Row | None:
        """The first row of a SELECT, or None."""
        row: sqlite3.Row | None = (self._own or self.world.base).execute(sql, args).fetchone()
        return row

    def count(self, sql: str, *args: object) -> int:
        """The single number that a SELECT gives (NULL counts as 0)."""
        row = self.one(sql, *args)
        return 0 if row is None or row[0] is None else int(row[0])

    def write(self, sql: str, *args: object) -> int:
        """Run one INSERT, UPDATE or DELETE in this episode only; returns the last row id."""
        if self._own is None:
            self._own = self._copy()
        return int(self._own.execute(sql, args).lastrowid or 0)

    def _copy(self) -> sqlite3.Connection:
        with metrics.COPY_SECONDS.time():
            own = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
            own.row_factory = sqlite3.Row
            own.deserialize(self.world.image)
        return own

    def open_session(self, site_key: str, user_id: int | None = None) -> str:
        """A new session on a site; returns its unguessable id."""
        session_id = secrets.token_urlsafe(18)
        self.sessions[site_key, session_id] = Session(user_id)
        return session_id

    def close(self) -> None:
        """Free the private copy. Safe to call twice."""
        if self._own is not None:
            self._own.close()
            self._own = None


class Registry:
    """Live episodes by token. Bounded: full of busy episodes, it refuses rather than forgets one."""

    def __init__(self, max_episodes: int = 512, idle_timeout_s: float = 1800.0) -> None:
        self._max_episodes = max_episodes
        self._idle_timeout_s = idle_timeout_s
        self._episodes: dict[str, EpisodeState] = {}

    def __len__(self) -> int:
        return len(self._episodes)

    def create(self, world: World) -> str:
        """A fresh episode in `world`; returns its unguessable token. Raises TooManyEpisodes."""
        if len(self._episodes) >= self._max_episodes:
            self._drop_idle()
        if len(self._episodes) >= self._max_episodes:
            raise TooManyEpisodes(
                f"{len(self._episodes)} episodes are live",
                "drop finished ones or raise RATCHET_ARENA__MAX_EPISODES",
            )
        token = secrets.token_urlsafe(24)
        self._episodes[token] = EpisodeState(world)
        metrics.EPISODES_CREATED.inc()
        metrics.EPISODES_LIVE.set(len(self._episodes))
        return token

    def get(self, token: str) -> EpisodeState:
        """The episode of a token. Raises UnknownResource."""
        episode = self._episodes.get(token)
        if episode is None:
            raise UnknownResource("no such episode (dropped or expired)", "create one with POST /episodes")
        episode.last_used_s = time.monotonic()
        return episode

    def drop(self, token: str) -> bool:
        """Forget an episode and its state; False when it was not there (so a repeat is harmless)."""
        episode = self._episodes.pop(token, None)
        if episode is None:
            return False
        episode.close()
        metrics.EPISODES_LIVE.set(len(self._episodes))
        return True

    def _drop_idle(self) -> None:
        deadline = time.monotonic() - self._idle_timeout_s
        for token in [token for token, episode in self._episodes.items() if episode.last_used_s < deadline]:
            self.drop(token)
            metrics.EPISODES_EXPIRED.inc()
