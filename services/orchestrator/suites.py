"""The suites that this installation knows: built-in ones, and imported files of tasks."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import sqlalchemy as sa

from services.common.database import Database
from services.common.errors import AlreadyExists, InvalidArgument, NotFound
from services.orchestrator import taskfile
from services.orchestrator.ports import SuiteSource, SuiteTask, UnknownSplit, UnknownTask
from services.orchestrator.tables import suites

_SUITE_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_SPLITS: tuple[str, ...] = ("all", "train", "heldout-instances", "heldout-templates")


class UnknownSuite(NotFound):
    """No suite of that name."""

    reason = "UNKNOWN_SUITE"


class ImportedSuite:
    """A file of WebArena tasks on hosted sites.

    Splits are made by stable hashes: a quarter of the templates is held out whole, and 30 % of the other tasks.
    """

    environment = "sites"
    splits: tuple[str, ...] = _SPLITS

    def __init__(self, name: str, tasks: list[dict[str, Any]], sites: dict[str, str]) -> None:
        self.description = f"{len(tasks)} imported tasks"
        self._name, self._tasks, self._world = name, tasks, json.dumps(sites, sort_keys=True) if sites else ""

    async def tasks(self, split: str, world_seed: int, count: int) -> list[SuiteTask]:
        del world_seed  # hosted sites have one world
        if split not in _SPLITS:
            raise UnknownSplit(f"the suite {self._name} has no split {split!r}; it has {', '.join(_SPLITS)}")
        chosen = self.chosen(split)
        return [SuiteTask(task, self._world) for task in (chosen[:count] if count else chosen)]

    def chosen(self, split: str) -> list[dict[str, Any]]:
        """The split's tasks as they were imported."""
        return [task for task in self._tasks if split in ("all", _split(task))]

    async def find(self, split: str, world_seed: int, task_ids: list[str]) -> list[SuiteTask]:
        known = {task.id: task for task in await self.tasks(split, world_seed, 0)}
        for task_id in task_ids:
            if task_id not in known:
                raise UnknownTask(f"the suite {self._name} has no task {task_id} in the split {split}")
        return [known[task_id] for task_id in task_ids]


def _split(task: dict[str, Any]) -> str:
    if _share(f"template/{task['intent_template_id']}") < 0.25:
        return "heldout-templates"
    return "heldout-instances" if _share(f"task/{task['task_id']}") < 0.30 else "train"


def _share(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


class Suites:
    """Finds suites by name."""

    def __init__(self, database: Database, builtin: dict[str, SuiteSource]) -> None:
        self._database, self._builtin = database, builtin

    async def named(self, name: str) -> SuiteSource:
        """A suite by its short name. Raises UnknownSuite naming the known ones."""
        if name in self._builtin:
            return self._builtin[name]
        rows = await self._database.read(sa.select(suites).where(suites.c.name == name))
        if rows:
            return ImportedSuite(name, json.loads(rows[0]["tasks"]), json.loads(rows[0]["sites"]))
        known = ", ".join(sorted(await self.all()))
        raise UnknownSuite(f"there is no suite {name!r}; known: {known}", suite=name)

    async def all(self) -> dict[str, SuiteSource]:
        """Every suite by its short name."""
        rows = await self._database.read(sa.select(suites))
        imported: dict[str, SuiteSource] = {
            row["name"]: ImportedSuite(row["name"], json.loads(row["tasks"]), json.loads(row["sites"])) for row in rows
        }
        return {**self._builtin, **imported}

    async def add(self, name: str, text: str, sites: dict[str, str]) -> int:
        """Import a file of tasks; its number of tasks. The same file again is no error; another one is."""
        if not _SUITE_ID.fullmatch(name):
            raise InvalidArgument(f"{name!r} cannot name a suite; use a-z, 0-9 and '-', at most 41 characters")
        if name in self._builtin:
            raise AlreadyExists(f"the suite {name} is built in; choose another name")
        tasks = taskfile.parse(text)
        used = {part for task in tasks for part in re.findall(r"__[A-Z_]+?__", json.dumps(task))}
        if missing := sorted(used - set(sites)):
            raise InvalidArgument(
                f"the tasks use {', '.join(missing)}; give each site's URL with --site {missing[0]}=URL"
            )
        row = {"name": name, "sites": json.dumps(sites, sort_keys=True), "tasks": json.dumps(tasks)}
        try:
            async with self._database.write() as connection:
                await connection.execute(sa.insert(suites).values(row))
        except sa.exc.IntegrityError:
            found = (await self._database.read(sa.select(suites).where(suites.c.name == name)))[0]
            if dict(found) != row:
                raise AlreadyExists(f"a suite {name} with other tasks or sites exists; choose another name") from None
        return len(tasks)
