"""Facts of a code host's world that its task templates draw on, and the ways to a page that they share."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.names import Names
from services.arena.task import Check, Move, click, fill, page_has, stop, text_of

if TYPE_CHECKING:
    from services.arena.world import World

SITE = "__GITLAB__"
CODE = ("gitlab",)
ME = 1
DONE = stop("Done")
OWN = f"p.owner_id = {ME}"
SEEN = f"(p.visibility != 'Private' OR p.owner_id = {ME})"
PHRASES = (
    "Please ask {word} first",
    "Tested on {word}",
    "Waiting for {word}",
    "Works with {word} now",
    "Blocked by {word}",
    "See the {word} notes",
    "Thanks from {word}",
    "Moved to {word}",
)


def _some(world: World, rng: random.Random, n: int, sql: str) -> list[sqlite3.Row]:
    rows = world.query(sql)
    return rng.sample(rows, min(n, len(rows)))


def projects(world: World, rng: random.Random, n: int, where: str = SEEN) -> list[sqlite3.Row]:
    """Up to n projects in a random order, with `owner` and `num_stars` beside their own columns."""
    columns = """
        p.*, u.username AS owner,
        p.stars + (SELECT COUNT(*) FROM code_stars s WHERE s.project_id = p.id) AS num_stars
        FROM code_projects p JOIN code_users u ON u.id = p.owner_id
    """
    return _some(world, rng, n, f"SELECT {columns} WHERE {where} ORDER BY p.id")


def issues(world: World, rng: random.Random, n: int, where: str = SEEN) -> list[sqlite3.Row]:
    """Up to n issues in a random order, with `assignee` (None: nobody), `project`, `slug` and `path`."""
    columns = """
        i.*, a.username AS assignee, p.name AS project, p.slug,
        '/projects/' || p.slug || '/issues/' || i.id AS path
        FROM code_issues i JOIN code_projects p ON p.id = i.project_id
        LEFT JOIN code_users a ON a.id = i.assignee_id
    """
    return _some(world, rng, n, f"SELECT {columns} WHERE {where} ORDER BY i.id")


def merges(world: World, rng: random.Random, n: int, where: str = SEEN) -> list[sqlite3.Row]:
    """Up to n merge requests in a random order, with `reviewer`, `project`, `slug` and `path`."""
    columns = """
        r.*, v.username AS reviewer, p.name AS project, p.slug,
        '/projects/' || p.slug || '/merge_requests/' || r.id AS path
        FROM code_merge_requests r JOIN code_projects p ON p.id = r.project_id
        JOIN code_users v ON v.id = r.reviewer_id
    """
    return _some(world, rng, n, f"SELECT {columns} WHERE {where} ORDER BY r.id")


def users(world: World, rng: random.Random, n: int, where: str = "1") -> list[sqlite3.Row]:
    """Up to n users other than the signed-in one, in a random order."""
    return _some(world, rng, n, f"SELECT * FROM code_users WHERE id != {ME} AND {where} ORDER BY id")  # noqa: S608


def members(world: World, rng: random.Random, n: int) -> list[sqlite3.Row]:
    """Up to n members of the signed-in user's projects, with `username`, `role`, `project` and `slug`."""
    columns = """
        m.*, u.username, p.name AS project, p.slug FROM code_members m
        JOIN code_users u ON u.id = m.user_id JOIN code_projects p ON p.id = m.project_id
    """
    return _some(world, rng, n, f"SELECT {columns} WHERE {OWN} AND m.role != 'Owner' ORDER BY p.id, m.user_id")


def strangers(world: World, rng: random.Random, project_id: int) -> list[sqlite3.Row]:
    """Users who are not members of a project, in a random order."""
    inside = f"id NOT IN (SELECT user_id FROM code_members WHERE project_id = {project_id})"  # noqa: S608
    return users(world, rng, 99, inside)


def me(world: World) -> str:
    """The signed-in user's name."""
    return str(world.query("SELECT username FROM code_users WHERE id = ?", ME)[0]["username"])


def phrase(names: Names, rng: random.Random) -> str:
    """A short sentence with one invented word, for the texts that tasks ask to write."""
    return rng.choice(PHRASES).format(word=names.brand())


def shows(path: str, selector: str, text: str) -> Check:
    """A check that an element of a page shows exactly this text."""
    return page_has(f"{SITE}{path}", text_of(selector), exact=text)


def by_search(title: str) -> tuple[Move, ...]:
    """From any page to the project, user, issue or merge request of that name."""
    return fill("searchbox", "Search", title, enter=True), click("link", title)


def by_project(issue: sqlite3.Row) -> tuple[Move, ...]:
    """From the dashboard to an open issue of an own project."""
    return click("link", issue["project"]), click("link", "Issues"), click("link", issue["title"])
