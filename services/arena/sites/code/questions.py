"""Code host tasks that read: facts of projects, issues, merge requests and people, and pages to open."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from services.arena.names import Names
from services.arena.sites.code.content import LABELS
from services.arena.sites.code.facts import (
    CODE,
    DONE,
    OWN,
    SEEN,
    SITE,
    by_project,
    by_search,
    issues,
    members,
    merges,
    projects,
    users,
)
from services.arena.task import (
    NOT_APPLICABLE,
    Build,
    Draft,
    Template,
    at_url,
    click,
    exact,
    fill,
    not_applicable,
    stop,
)

if TYPE_CHECKING:
    from services.arena.world import World


def _of_project(column: str, label: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        return [
            Draft(
                {"project": row["name"]},
                exact(row[column]),
                (*by_search(row["name"]), stop(row[column], f"{label}: {row[column]}")),
            )
            for row in projects(world, rng, n)
        ]

    return build


def _of_user(column: str, label: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        return [
            Draft(
                {"user": row["username"]},
                exact(row[column]),
                (*by_search(row["username"]), stop(row[column], f"{label}: {row[column]}")),
            )
            for row in users(world, rng, n)
        ]

    return build


def _of_issue(column: str, label: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        return [
            Draft(
                {"title": row["title"]},
                exact(row[column]),
                (*by_search(row["title"]), stop(row[column], f"{label}: {row[column]}")),
            )
            for row in issues(world, rng, n)
        ]

    return build


def _of_merge(column: str, label: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        return [
            Draft(
                {"title": row["title"]},
                exact(row[column]),
                (*by_search(row["title"]), stop(row[column], f"{label}: {row[column]}")),
            )
            for row in merges(world, rng, n)
        ]

    return build


def _clone(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in projects(world, rng, n):
        command = f"git clone git@code.test:{row['owner']}/{row['slug']}.git"
        drafts.append(
            Draft({"project": row["name"]}, exact(command), (*by_search(row["name"]), stop(command, command)))
        )
    return drafts


def _assignee(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"], "project": row["project"]},
            exact(row["assignee"]),
            (*by_project(row), stop(row["assignee"], f"Assignee: {row['assignee']}")),
        )
        for row in issues(world, rng, n, f"{OWN} AND i.state = 'Open' AND i.assignee_id IS NOT NULL")
    ]


def _role(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"user": row["username"], "project": row["project"]},
            exact(row["role"]),
            (
                click("link", row["project"]),
                click("link", "Members"),
                stop(row["role"], f"{row['username']}: {row['role']}"),
            ),
        )
        for row in members(world, rng, n)
    ]


def _comment(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = world.query(f"""
        SELECT n.body, u.username AS author, i.title FROM code_notes n JOIN code_users u ON u.id = n.author_id
        JOIN code_issues i ON i.id = n.target_id JOIN code_projects p ON p.id = i.project_id
        WHERE n.kind = 'issue' AND {SEEN} GROUP BY i.id HAVING COUNT(*) = 1 ORDER BY n.id
    """)  # noqa: S608
    return [
        Draft(
            {"user": row["author"], "title": row["title"]},
            exact(row["body"]),
            (*by_search(row["title"]), stop(row["body"], f"{row['author']}: {row['body']}")),
        )
        for row in rng.sample(rows, min(n, len(rows)))
    ]


def _labelled(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = [
        Draft(
            {"label": label, "project": row["name"]},
            at_url(f"{SITE}/projects/{row['slug']}/issues?label={label}"),
            (click("link", row["name"]), click("link", "Issues"), click("link", label), DONE),
        )
        for row in projects(world, rng, n, OWN)
        for label in LABELS
    ]
    return rng.sample(drafts, min(n, len(drafts)))


def _todo(world: World, rng: random.Random, n: int) -> list[Draft]:
    waiting = f"{SEEN} AND i.id IN (SELECT issue_id FROM code_todos WHERE done = 0)"  # noqa: S608
    return [
        Draft(
            {"title": row["title"]},
            at_url(f"{SITE}{row['path']}"),
            (click("link", "Todos"), click("link", row["title"]), DONE),
        )
        for row in issues(world, rng, n, waiting)
    ]


def _my_merges(_world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = [
        Draft(
            {"relation": relation},
            at_url(f"{SITE}/merge_requests?scope={scope}"),
            (click("link", "My Merge Requests"), click("link", link), DONE),
        )
        for relation, scope, link in (
            ("assigned to me", "assigned", "Assigned to Me"),
            ("requiring my review", "review", "Review Requests"),
        )
    ]
    return rng.sample(drafts, min(n, len(drafts)))


def _forks(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"project": row["name"]},
            not_applicable("The site does not count forks."),
            (*by_search(row["name"]), stop(NOT_APPLICABLE)),
        )
        for row in projects(world, rng, n)
    ]


def _unknown_project(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = Names(world.partition, rng, {row["name"].split()[0].lower() for row in projects(world, rng, 99, "1")})
    drafts = []
    for _ in range(n):
        name = f"{names.brand()} {rng.choice(('Parser', 'Engine', 'Theme', 'Client'))}"
        script = (fill("searchbox", "Search", name, enter=True), stop(NOT_APPLICABLE))
        drafts.append(Draft({"project": name}, not_applicable(f"No project is called {name}."), script))
    return drafts


TEMPLATES: list[Template] = [
    Template(400, CODE, "Who owns the project {{project}}?", _of_project("owner", "Owner")),
    Template(401, CODE, "How many stars does {{project}} have?", _of_project("num_stars", "Stars")),
    Template(402, CODE, "What license does {{project}} use?", _of_project("license", "License"), held_out=True),
    Template(403, CODE, "Show me the command to clone {{project}} with SSH.", _clone),
    Template(404, CODE, 'Who is assigned to the issue "{{title}}" in {{project}}?', _assignee),
    Template(405, CODE, 'Is the issue "{{title}}" open or closed?', _of_issue("state", "State")),
    Template(406, CODE, 'When is the issue "{{title}}" due?', _of_issue("due", "Due date"), held_out=True),
    Template(407, CODE, "What is the role of {{user}} in {{project}}?", _role),
    Template(
        408, CODE, 'Into which branch does "{{title}}" merge?', _of_merge("target", "Target branch"), held_out=True
    ),
    Template(409, CODE, "What is the email address of {{user}}?", _of_user("email", "Email")),
    Template(410, CODE, "What is the status of {{user}}?", _of_user("status", "Status"), held_out=True),
    Template(411, CODE, 'Open the todo "{{title}}".', _todo),
    Template(412, CODE, "Show me the {{label}} issues of {{project}}.", _labelled),
    Template(413, CODE, "Check out merge requests {{relation}}.", _my_merges),
    Template(414, CODE, "How many forks does {{project}} have?", _forks),
    Template(415, CODE, "Tell me the default branch of {{project}}.", _unknown_project, held_out=True),
    Template(416, CODE, 'Who reviews the merge request "{{title}}"?', _of_merge("reviewer", "Reviewer")),
    Template(417, CODE, 'What did {{user}} say about the issue "{{title}}"?', _comment),
]
