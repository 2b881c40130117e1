"""A world: every site's content for one (partition, seed), built once and never changed.

The built database is kept twice: as a connection that refuses writes (facts and unmodified episodes read
it) and as bytes from which an episode makes its own copy.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
from collections import OrderedDict
from datetime import date, timedelta

from services.arena import metrics
from services.arena.errors import BadInput
from services.arena.names import PARTITIONS, Names, Partition
from services.arena.site import Account
from services.arena.sites import SITES

_EPOCH = date(2025, 1, 6)


def seeded(*parts: object) -> random.Random:
    """A generator that depends on `parts` alone, on every machine and in every process."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return random.Random(int.from_bytes(digest[:8], "big"))


class World:
    """The content of all sites. Deterministic in (partition, seed); takes well under half a second."""

    def __init__(self, partition: Partition, seed: int) -> None:
        if partition not in PARTITIONS:
            raise BadInput(f"unknown partition {partition!r}", f"use one of {', '.join(PARTITIONS)}")
        self.partition = partition
        self.seed = seed
        self.accounts: dict[str, Account] = {}
        db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        db.row_factory = sqlite3.Row
        self._build(db)
        self.image: bytes = db.serialize()
        db.execute("PRAGMA query_only = ON")
        self.base = db

    def _build(self, db: sqlite3.Connection) -> None:
        rng = seeded("world", self.partition, self.seed)
        self._used: set[str] = set()
        names = Names(self.partition, rng, self._used)
        self.today = _EPOCH + timedelta(days=rng.randrange(700))
        db.execute("CREATE TABLE arena_world (partition TEXT, seed INTEGER, today TEXT)")
        db.execute("INSERT INTO arena_world VALUES (?, ?, ?)", (self.partition, self.seed, self.today.isoformat()))
        for site in SITES.values():
            db.executescript(site.schema)
            db.execute("BEGIN")
            own = seeded("site", site.key, self.partition, self.seed)
            account = site.populate(db, names.fork(own), own)
            db.execute("COMMIT")
            if account is not None:
                self.accounts[site.key] = account

    def names(self, rng: random.Random) -> Names:
        """Names of the world's partition that do not occur in the world (what tasks type, or miss)."""
        return Names(self.partition, rng, set(self._used))

    @property
    def invented(self) -> frozenset[str]:
        """Every invented word of the world, in lower case."""
        return frozenset(self._used)

    def query(self, sql: str, *args: object) -> list[sqlite3.Row]:
        """Rows of the untouched world, for task builders and tests."""
        return list(self.base.execute(sql, args))


class Worlds:
    """Built worlds, the least recently used one dropped first."""

    def __init__(self, capacity: int = 8) -> None:
        self._capacity = capacity
        self._worlds: OrderedDict[tuple[Partition, int], World] = OrderedDict()

    def get(self, partition: Partition, seed: int) -> World:
        """The world of (partition, seed), built now if it is not at hand."""
        key = (partition, seed)
        world = self._worlds.get(key)
        if world is None:
            with metrics.WORLD_SECONDS.time():
                world = World(partition, seed)
            self._worlds[key] = world
            if len(self._worlds) > self._capacity:
                self._worlds.popitem(last=False)
        self._worlds.move_to_end(key)
        return world
