"""The code host's tables and how a seeded world fills them.

Everything is drawn from `names` and `rng` only, so one seed is one host. Each project, user and issue title
carries an invented word, so the hosts of two partitions share no full name. `code_projects.stars` is what
others gave; the stars of the signed-in user are rows of `code_stars`.
"""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta

from services.arena.names import Names
from services.arena.site import Account, today

NUM_USERS = 20
NUM_PROJECTS = 20
NUM_ISSUES = 80
NUM_MERGE_REQUESTS = 25
NUM_OWN_PROJECTS = 7

SCHEMA = """
CREATE TABLE code_users (
  id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, password TEXT NOT NULL, name TEXT NOT NULL,
  bio TEXT NOT NULL, location TEXT NOT NULL, email TEXT NOT NULL, status TEXT NOT NULL,
  joined TEXT NOT NULL);
CREATE TABLE code_projects (
  id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
  owner_id INTEGER NOT NULL REFERENCES code_users(id), description TEXT NOT NULL,
  visibility TEXT NOT NULL CHECK (visibility IN ('Private', 'Internal', 'Public')), language TEXT NOT NULL,
  license TEXT NOT NULL, branch TEXT NOT NULL, created TEXT NOT NULL, commits INTEGER NOT NULL,
  stars INTEGER NOT NULL);
CREATE TABLE code_members (
  project_id INTEGER NOT NULL, user_id INTEGER NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('Guest', 'Reporter', 'Developer', 'Maintainer', 'Owner')),
  PRIMARY KEY (project_id, user_id));
CREATE TABLE code_issues (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES code_projects(id), title TEXT NOT NULL,
  body TEXT NOT NULL, author_id INTEGER NOT NULL, assignee_id INTEGER, label TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('Open', 'Closed')), created TEXT NOT NULL, due TEXT NOT NULL);
CREATE TABLE code_merge_requests (
  id INTEGER PRIMARY KEY, project_id INTEGER NOT NULL REFERENCES code_projects(id), title TEXT NOT NULL,
  source TEXT NOT NULL, target TEXT NOT NULL, author_id INTEGER NOT NULL, assignee_id INTEGER NOT NULL,
  reviewer_id INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('Open', 'Merged', 'Closed')),
  approved INTEGER NOT NULL DEFAULT 0, created TEXT NOT NULL);
CREATE TABLE code_notes (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('issue', 'merge_request')),
  target_id INTEGER NOT NULL, author_id INTEGER NOT NULL, body TEXT NOT NULL, created TEXT NOT NULL);
CREATE TABLE code_stars (user_id INTEGER NOT NULL, project_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, project_id));
CREATE TABLE code_follows (user_id INTEGER NOT NULL, followed_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, followed_id));
CREATE TABLE code_todos (
  id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, reason TEXT NOT NULL, issue_id INTEGER NOT NULL,
  done INTEGER NOT NULL DEFAULT 0);
CREATE INDEX code_issues_by_project ON code_issues(project_id, id);
CREATE INDEX code_notes_by_target ON code_notes(kind, target_id);
"""

KINDS = ("parser", "engine", "theme", "client", "server", "router", "editor", "toolkit", "bot", "cache")
LANGUAGES = ("Python", "Go", "Rust", "Ruby", "Kotlin", "Elixir", "Haskell", "Swift")
LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0", "MPL-2.0", "Unlicense")
BRANCHES = ("main", "develop", "trunk", "stable")
LABELS = ("bug", "feature", "docs", "question")
ROLES = ("Guest", "Reporter", "Developer", "Maintainer")
VISIBILITIES = ("Private", "Internal", "Public")
DESCRIPTIONS = (
    "A small {kind} made in {place}.",
    "The {kind} behind {word}.",
    "Fast {kind} for {word} users.",
    "Rewrite of the {word} {kind}.",
)
ISSUES = {
    "bug": ("Crash when opening {word}", "{word} button does nothing", "Wrong total in {word}"),
    "feature": ("Add dark mode to {word}", "Support {word} files", "Let {word} run offline"),
    "docs": ("Explain how {word} works", "Typo in the {word} page", "Missing {word} example"),
    "question": ("How do I install {word}?", "Is {word} still used?", "Who looks after {word}?"),
}
BODIES = (
    "Seen {num} times since the {word} update.",
    "It takes {num} seconds on my {word} machine.",
    "A customer in {place} asked about it.",
    "Same in versions {num} and later.",
)
NOTES = (
    "I can look at it in {num} days.",
    "Works for me with {word} {num}.",
    "Please attach the {word} log.",
    "This blocks {word}, raising it.",
    "Fixed in {word} version {num}.",
    "Could {word} be the cause?",
)
CHANGES = ("fix", "add", "remove", "rename", "speed-up")
STATUSES = ("On holiday", "In a meeting", "Reviewing", "Out sick", "Travelling")


def populate(db: sqlite3.Connection, names: Names, rng: random.Random) -> Account:
    """Fill the code host's tables. User 1 is the account that episodes are signed in with."""
    now = today(db)
    _users(db, now, names, rng)
    _projects(db, now, names, rng)
    _members(db, rng)
    _issues(db, now, names, rng)
    _merge_requests(db, now, names, rng)
    _belongings(db, rng)
    username, password, name = db.execute("SELECT username, password, name FROM code_users WHERE id = 1").fetchone()
    return Account(username, password, name)


def _day(now: date, rng: random.Random, oldest: int, newest: int) -> str:
    """An ISO date between `oldest` and `newest` days before `now`."""
    return (now - timedelta(days=rng.randint(newest, oldest))).isoformat()


def _users(db: sqlite3.Connection, now: date, names: Names, rng: random.Random) -> None:
    for key in range(1, NUM_USERS + 1):
        username, place = names.username(), names.place()
        row = (
            key,
            username,
            names.word() + str(rng.randint(100, 999)),
            f"{names.given()} {names.surname()}",
            f"Writes {rng.choice(LANGUAGES)} in {place}.",
            place,
            f"{username}@{names.word()}.test",
            rng.choice(STATUSES) if key > 1 else "Available",
            _day(now, rng, 2500, 400),
        )
        db.execute("INSERT INTO code_users VALUES (?,?,?,?,?,?,?,?,?)", row)


def _projects(db: sqlite3.Connection, now: date, names: Names, rng: random.Random) -> None:
    """The signed-in account owns the first few; all stars differ, so "most starred" has one answer."""
    stars = rng.sample(range(2, 900), NUM_PROJECTS)
    for key in range(1, NUM_PROJECTS + 1):
        kind = rng.choice(KINDS)
        name = f"{names.brand()} {kind.capitalize()}"
        text = rng.choice(DESCRIPTIONS).format(kind=kind, word=names.brand(), place=names.place())
        own = key <= NUM_OWN_PROJECTS
        row = (
            key,
            name.lower().replace(" ", "-"),
            name,
            1 if own else rng.randint(2, NUM_USERS),
            text,
            VISIBILITIES[key % 3] if own else rng.choice(("Internal", "Public")),
            rng.choice(LANGUAGES),
            rng.choice(LICENSES),
            rng.choice(BRANCHES),
            _day(now, rng, 2000, 400),
            rng.randint(20, 980),
            stars[key - 1],
        )
        db.execute("INSERT INTO code_projects VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", row)


def _members(db: sqlite3.Connection, rng: random.Random) -> None:
    for project, owner in db.execute("SELECT id, owner_id FROM code_projects ORDER BY id").fetchall():
        db.execute("INSERT INTO code_members VALUES (?, ?, 'Owner')", (project, owner))
        others = [user for user in range(2, NUM_USERS + 1) if user != owner]
        for user in rng.sample(others, rng.randint(3, 4)):
            db.execute("INSERT INTO code_members VALUES (?, ?, ?)", (project, user, rng.choice(ROLES)))


def _issues(db: sqlite3.Connection, now: date, names: Names, rng: random.Random) -> None:
    """Four issues a project, assigned to a member or to nobody, two in three of them open."""
    for number in range(NUM_ISSUES):
        project = 1 + number % NUM_PROJECTS
        members = [
            row[0]
            for row in db.execute("SELECT user_id FROM code_members WHERE project_id = ? ORDER BY user_id", (project,))
        ]
        label = rng.choice(LABELS)
        row = (
            201 + number,
            project,
            rng.choice(ISSUES[label]).format(word=names.brand()),
            rng.choice(BODIES).format(num=rng.randint(2, 40), word=names.brand(), place=names.place()),
            rng.randint(2, NUM_USERS),
            rng.choice(members) if rng.random() < 0.7 else None,
            label,
            "Open" if rng.random() < 0.67 else "Closed",
            (now - timedelta(days=4 * (NUM_ISSUES - number) + rng.randint(0, 3))).isoformat(),
            (now + timedelta(days=rng.randint(3, 90))).isoformat(),
        )
        db.execute("INSERT INTO code_issues VALUES (?,?,?,?,?,?,?,?,?,?)", row)
        for _ in range(rng.randint(0, 2)):
            _note(db, now, "issue", 201 + number, rng.randint(2, NUM_USERS), names, rng)


def _merge_requests(db: sqlite3.Connection, now: date, names: Names, rng: random.Random) -> None:
    for number in range(NUM_MERGE_REQUESTS):
        project = 1 + number % NUM_PROJECTS
        branch = db.execute("SELECT branch FROM code_projects WHERE id = ?", (project,)).fetchone()[0]
        change, word = rng.choice(CHANGES), names.word()
        author, assignee, reviewer = rng.sample(range(2, NUM_USERS + 1), 3)
        # Some wait for the signed-in account, as its assignee or as its reviewer.
        if number % 6 == 1:
            assignee = 1
        elif number % 6 == 4:
            reviewer = 1
        row = (
            701 + number,
            project,
            f"{change.capitalize().replace('-', ' ')} {word.capitalize()} support",
            f"{change}-{word}",
            branch,
            author,
            assignee,
            reviewer,
            "Open" if rng.random() < 0.75 or 1 in (assignee, reviewer) else "Merged",
            0,
            (now - timedelta(days=3 * (NUM_MERGE_REQUESTS - number) + rng.randint(0, 2))).isoformat(),
        )
        db.execute("INSERT INTO code_merge_requests VALUES (?,?,?,?,?,?,?,?,?,?,?)", row)
        if rng.random() < 0.5:
            _note(db, now, "merge_request", 701 + number, author, names, rng)


def _note(
    db: sqlite3.Connection, now: date, kind: str, target: int, author: int, names: Names, rng: random.Random
) -> None:
    body = rng.choice(NOTES).format(word=names.brand(), num=rng.randint(2, 40))
    db.execute(
        "INSERT INTO code_notes(kind, target_id, author_id, body, created) VALUES (?,?,?,?,?)",
        (kind, target, author, body, _day(now, rng, 4, 1)),
    )


def _belongings(db: sqlite3.Connection, rng: random.Random) -> None:
    """Stars, follows and todos that the signed-in account already has."""
    # Not the most starred one: to star that is a task.
    others = [row[0] for row in db.execute("SELECT id FROM code_projects WHERE owner_id != 1 ORDER BY stars DESC")][1:]
    db.executemany("INSERT INTO code_stars VALUES (1, ?)", [(p,) for p in rng.sample(others, 6)])
    db.executemany("INSERT INTO code_follows VALUES (1, ?)", [(u,) for u in rng.sample(range(2, NUM_USERS + 1), 3)])
    issues = [row[0] for row in db.execute("SELECT id FROM code_issues WHERE state = 'Open' ORDER BY id")]
    for issue in rng.sample(issues, 6):
        reason = rng.choice(("mentioned you", "assigned you", "asked you"))
        db.execute("INSERT INTO code_todos(user_id, reason, issue_id) VALUES (1, ?, ?)", (reason, issue))
