"""Code host tasks that change issues, merge requests and todos.

Every check reads the page where the change shows, and the untouched world fails it.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from services.arena.names import Names
from services.arena.sites.code.content import LABELS
from services.arena.sites.code.facts import (
    CODE,
    DONE,
    ME,
    OWN,
    SEEN,
    SITE,
    by_project,
    by_search,
    issues,
    me,
    merges,
    phrase,
    projects,
    shows,
    users,
)
from services.arena.task import Build, Draft, Template, click, fill, page_has, text_of

if TYPE_CHECKING:
    from services.arena.world import World

NOTES = "Array.from(document.querySelectorAll('.note')).map(e => e.innerText).join('|')"


def _new_issue(labelled: bool) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        names = Names(world.partition, rng)
        drafts = []
        for row in [project for _ in range(4) for project in projects(world, rng, n, OWN)][:n]:
            title, label = phrase(names, rng), rng.choice(LABELS[1:])
            start = (click("link", row["name"]), click("link", "Issues"), click("link", "New Issue"))
            typed = fill("textbox", "Title", title)
            listed = page_has(f"{SITE}/projects/{row['slug']}/issues", text_of(".issues"), includes=[title])
            checks = (page_has("last", text_of(".issue-title"), exact=title), listed)
            if labelled:
                choose = (click("radio", label), click("button", "Create Issue"), DONE)
                also = page_has("last", text_of(".issue-label"), exact=f"Label: {label}")
                values: dict[str, str | int] = {"title": title, "project": row["name"], "label": label}
                drafts.append(Draft(values, (checks[0], also, listed), (*start, typed, *choose)))
            else:
                script = (*start, typed, click("button", "Create Issue"), DONE)
                drafts.append(Draft({"title": title, "project": row["name"]}, checks, script))
        return drafts

    return build


def _comment_issue(world: World, rng: random.Random, n: int) -> list[Draft]:
    names, mine = Names(world.partition, rng), me(world)
    drafts = []
    for row in issues(world, rng, n):
        text = phrase(names, rng)
        script = (
            *by_search(row["title"]),
            fill("textbox", "Comment", text),
            click("button", "Post Comment"),
            DONE,
        )
        check = page_has(f"{SITE}{row['path']}", NOTES, includes=[f"{mine}: {text}"])
        drafts.append(Draft({"title": row["title"], "text": text}, check, script))
    return drafts


def _comment_merge(world: World, rng: random.Random, n: int) -> list[Draft]:
    names, mine = Names(world.partition, rng), me(world)
    drafts = []
    for row in merges(world, rng, n):
        text = phrase(names, rng)
        script = (
            *by_search(row["title"]),
            fill("textbox", "Comment", text),
            click("button", "Post Comment"),
            DONE,
        )
        check = page_has(f"{SITE}{row['path']}", NOTES, includes=[f"{mine}: {text}"])
        drafts.append(Draft({"title": row["title"], "text": text}, check, script))
    return drafts


def _close(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"], "project": row["project"]},
            shows(row["path"], ".issue-state", "State: Closed"),
            (*by_project(row), click("button", "Close Issue"), DONE),
        )
        for row in issues(world, rng, n, f"{OWN} AND i.state = 'Open'")
    ]


def _reopen(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            shows(row["path"], ".issue-state", "State: Open"),
            (*by_search(row["title"]), click("button", "Reopen Issue"), DONE),
        )
        for row in issues(world, rng, n, f"{OWN} AND i.state = 'Closed'")
    ]


def _assign(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in issues(world, rng, n, f"{OWN} AND i.state = 'Open'"):
        user = users(world, rng, 1, f"id != {row['assignee_id'] or 0}")[0]["username"]
        script = (
            *by_project(row),
            click("link", "Edit Issue"),
            fill("textbox", "Assignee", user),
            click("button", "Save Changes"),
            DONE,
        )
        values: dict[str, str | int] = {"title": row["title"], "project": row["project"], "user": user}
        drafts.append(Draft(values, shows(row["path"], ".issue-assignee", f"Assignee: {user}"), script))
    return drafts


def _due(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in issues(world, rng, n, f"{OWN} AND i.state = 'Open'"):
        day = (world.today + timedelta(days=rng.randint(100, 400))).isoformat()
        script = (
            *by_project(row),
            click("link", "Edit Issue"),
            fill("textbox", "Due Date", day),
            click("button", "Save Changes"),
            DONE,
        )
        values: dict[str, str | int] = {"title": row["title"], "project": row["project"], "date": day}
        drafts.append(Draft(values, shows(row["path"], ".issue-due", f"Due date: {day}"), script))
    return drafts


def _finish_todo(world: World, rng: random.Random, n: int) -> list[Draft]:
    waiting = issues(world, rng, n, f"{SEEN} AND i.id IN (SELECT issue_id FROM code_todos WHERE done = 0)")  # noqa: S608
    return [
        Draft(
            {"title": row["title"]},
            (
                page_has(f"{SITE}/todos?state=done", text_of(".todos"), includes=[row["title"]]),
                shows("/", ".open-todos", f"Open todos: {len(waiting) - 1}"),
            ),
            (click("link", "Todos"), click("button", f"Finish {row['title']}"), DONE),
        )
        for row in waiting
    ]


def _approve(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            shows(row["path"], ".merge-approved", "Approved: Yes"),
            (
                click("link", "My Merge Requests"),
                click("link", "Review Requests"),
                click("link", row["title"]),
                click("button", "Approve"),
                DONE,
            ),
        )
        for row in merges(world, rng, n, f"{SEEN} AND r.reviewer_id = {ME}")
    ]


def _merge(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"title": row["title"]},
            shows(row["path"], ".merge-state", "State: Merged"),
            (click("link", "My Merge Requests"), click("link", row["title"]), click("button", "Merge"), DONE),
        )
        for row in merges(world, rng, n, f"{SEEN} AND r.assignee_id = {ME}")
    ]


TEMPLATES: list[Template] = [
    Template(420, CODE, 'Create an issue in {{project}} with the title "{{title}}".', _new_issue(labelled=False)),
    Template(
        421,
        CODE,
        'Open a {{label}} issue in {{project}} with the title "{{title}}".',
        _new_issue(labelled=True),
        held_out=True,
    ),
    Template(422, CODE, 'Comment "{{text}}" on the issue "{{title}}".', _comment_issue),
    Template(423, CODE, 'Post "{{text}}" for the merge request "{{title}}".', _comment_merge, held_out=True),
    Template(424, CODE, 'Close the issue "{{title}}" in {{project}}.', _close),
    Template(425, CODE, 'Reopen the issue "{{title}}".', _reopen, held_out=True),
    Template(426, CODE, 'Assign the issue "{{title}}" in {{project}} to {{user}}.', _assign),
    Template(427, CODE, 'Set the due date of "{{title}}" in {{project}} to {{date}}.', _due, held_out=True),
    Template(428, CODE, 'Mark the todo "{{title}}" as done.', _finish_todo),
    Template(429, CODE, 'Approve the merge request "{{title}}" that I have to review.', _approve),
    Template(430, CODE, 'Merge "{{title}}", which is assigned to me.', _merge),
]
