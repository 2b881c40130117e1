"""The two things outside of the store: rows in a database, and objects under keys.

Invariant: a row is added only after every object that it names is there, so a reader never finds a row without
its objects; an object that no row names is harmless.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, Protocol


@dataclass(frozen=True)
class TrajectoryRecord:
    """One trajectory's row: what lists filter by, the message without its steps, and where the steps are."""

    name: str
    run: str
    episode: str
    attempt: int
    state: str
    policy: str
    suite: str
    split: str
    phase: str
    world: str
    task_id: str
    reward: float
    stop_reason: str
    num_steps: int
    create_time_us: int
    # Serialized Trajectory without steps.
    header: bytes
    # sha256 of the blob with the steps.
    steps_blob: str
    # Position in order of arrival; 0 until stored.
    seq: int = 0


@dataclass(frozen=True)
class DatasetRecord:
    """One dataset's row."""

    name: str
    blob: str
    create_time_us: int
    # Serialized Dataset.
    header: bytes
    seq: int = 0


@dataclass(frozen=True)
class Filter:
    """Equality on each field that is not empty."""

    run: str = ""
    policy: str = ""
    split: str = ""
    phase: str = ""
    state: str = ""
    task_id: str = ""


class Records(Protocol):
    """Rows. Every method raises StorageFailed when the database refuses, Unavailable when it is away."""

    async def add(self, record: TrajectoryRecord) -> tuple[TrajectoryRecord, bool]:
        """Store a row; (row, True), or (the row that was there first, False).

        First is the row of the same name, else the SUCCEEDED row of the same episode. Safe under concurrency.
        """

    async def find(self, name: str) -> TrajectoryRecord | None:
        """The row of that name."""

    async def page(self, wanted: Filter, before: int, limit: int) -> list[TrajectoryRecord]:
        """At most `limit` rows, newest first, of those that arrived before `before` (0: all)."""

    async def count(self, wanted: Filter) -> int:
        """How many rows match."""

    async def add_dataset(self, record: DatasetRecord) -> tuple[DatasetRecord, bool]:
        """Store a dataset's row; the earlier one of the same name and False where there is one."""

    async def find_dataset(self, name: str) -> DatasetRecord | None:
        """The dataset of that name."""

    async def page_datasets(self, before: int, limit: int) -> list[DatasetRecord]:
        """As `page`."""


class Objects(Protocol):
    """Immutable bytes under keys. Every method raises StorageFailed when the place refuses."""

    async def put(self, key: str, content: bytes | IO[bytes]) -> None:
        """Store the bytes, all or nothing; the same key may be put again."""

    async def get(self, key: str) -> bytes | None:
        """All bytes, or None when nothing is there."""

    def read(self, key: str) -> AsyncIterator[bytes]:
        """The bytes in pieces; raises KeyError before the first when nothing is there."""

    async def exists(self, key: str) -> bool:
        """Whether something is there."""
