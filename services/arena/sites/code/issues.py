"""Issues: a project's list, one issue with its comments, writing, editing, closing."""

from __future__ import annotations

import sqlite3
from datetime import date

from starlette.responses import Response

from services.arena.sites.code import projects
from services.arena.sites.code.content import LABELS
from services.arena.web import PER_PAGE, NotFound, Visit

STATES = ("Open", "Closed")
COLUMNS = """
  i.*, u.username AS author, COALESCE(a.username, 'Nobody') AS assignee, p.slug, p.name AS project
  FROM code_issues i JOIN code_users u ON u.id = i.author_id JOIN code_projects p ON p.id = i.project_id
  LEFT JOIN code_users a ON a.id = i.assignee_id
"""
NOTES = """
  SELECT n.*, u.username AS author FROM code_notes n JOIN code_users u ON u.id = n.author_id
  WHERE n.kind = ? AND n.target_id = ? ORDER BY n.id
"""


def find(visit: Visit, *, managed: bool = False) -> sqlite3.Row:
    """The issue that the address names, or a 404 that says what is missing."""
    project = projects.find(visit, managed=managed)
    number = visit.params["number"]
    issue = visit.db.one(f"SELECT {COLUMNS} WHERE i.id = ? AND i.project_id = ?", number, project["id"])
    if issue is None:
        raise NotFound(f"{project['name']} has no issue {number}. Its list of issues shows which there are.")
    return issue


def path(issue: sqlite3.Row) -> str:
    """The address of an issue."""
    return f"/projects/{issue['slug']}/issues/{issue['id']}"


async def listing(visit: Visit) -> Response:
    project = projects.find(visit)
    state, label = visit.query.get("state", "Open"), visit.query.get("label", "")
    if state not in (*STATES, "All") or label not in ("", *LABELS):
        raise NotFound(f"Issues are {', '.join(STATES)} or All, and labelled {', '.join(LABELS)}.")
    page = visit.paged(
        f"SELECT {COLUMNS} WHERE i.project_id = ? AND ? IN (i.state, 'All') AND ? IN (i.label, '')"
        " ORDER BY i.created DESC, i.id DESC",
        project["id"],
        state,
        label,
    )
    return visit.render(
        "code/issues.html", project=project, page=page, state=state, label=label, states=(*STATES, "All"), labels=LABELS
    )


async def issue(visit: Visit) -> Response:
    found = find(visit)
    return visit.render(
        "code/issue.html",
        issue=found,
        page=visit.paged(NOTES, "issue", found["id"]),
        managed=projects.manages(visit, found["project_id"]),
    )


async def new(visit: Visit) -> Response:
    project = projects.find(visit)
    form = await visit.form() if visit.is_post else {}
    title, label = form.get("title", ""), form.get("label", LABELS[0])
    if not title or label not in LABELS:
        error = "An issue needs a title and a label." if visit.is_post else ""
        return visit.render(
            "code/issue_form.html",
            status=422 if error else 200,
            project=project,
            form=form,
            labels=projects.choices(LABELS),
            error=error,
        )
    key = visit.db.write(
        "INSERT INTO code_issues(project_id, title, body, author_id, label, state, created, due)"
        " VALUES (?,?,?,?,?,'Open',?,'None')",
        project["id"],
        title,
        form.get("description", ""),
        visit.user_id,
        label,
        visit.today.isoformat(),
    )
    return visit.redirect(f"/projects/{project['slug']}/issues/{key}", flash="The issue was created.")


async def edit(visit: Visit) -> Response:
    found = find(visit, managed=True)
    if not visit.is_post:
        form = {key: str(found[key]) for key in ("title", "assignee", "due", "label")}
        return visit.render("code/issue_edit.html", issue=found, form=form, labels=projects.choices(LABELS), error="")
    form = await visit.form()
    error, assignee = _checked(visit, form)
    if error:
        return visit.render(
            "code/issue_edit.html", status=422, issue=found, form=form, labels=projects.choices(LABELS), error=error
        )
    visit.db.write(
        "UPDATE code_issues SET title = ?, assignee_id = ?, due = ?, label = ? WHERE id = ?",
        form["title"],
        assignee,
        form.get("due", "None"),
        form.get("label", found["label"]),
        found["id"],
    )
    return visit.redirect(path(found), flash="The issue was saved.")


def _checked(visit: Visit, form: dict[str, str]) -> tuple[str, int | None]:
    """What is wrong with an edited issue ("" if nothing), and the id of its assignee."""
    if not form.get("title"):
        return "An issue needs a title.", None
    if form.get("label", LABELS[0]) not in LABELS:
        return f"A label is one of {', '.join(LABELS)}.", None
    due = form.get("due", "None")
    if due != "None":
        try:
            date.fromisoformat(due)
        except ValueError:
            return f"'{due}' is not a date like 2026-12-31, or None.", None
    username = form.get("assignee", "").removeprefix("@")
    if username in ("", "Nobody"):
        return "", None
    person = visit.db.one("SELECT id FROM code_users WHERE username = ?", username)
    if person is None:
        return f"There is no user '{username}' to assign the issue to.", None
    return "", int(person["id"])


async def toggle(visit: Visit) -> Response:
    """Close an open issue, reopen a closed one."""
    found = find(visit, managed=True)
    state = "Closed" if found["state"] == "Open" else "Open"
    visit.db.write("UPDATE code_issues SET state = ? WHERE id = ?", state, found["id"])
    return visit.redirect(path(found), flash=f"The issue is now {state.lower()}.")


async def comment(visit: Visit) -> Response:
    found = find(visit)
    return await note(visit, "issue", found["id"], path(found))


async def note(visit: Visit, kind: str, target: int, back: str) -> Response:
    """Add the posted comment to an issue or a merge request."""
    body = (await visit.form()).get("body", "")
    if not body:
        return visit.redirect(back, flash="Your comment was empty, so it was not posted.")
    visit.db.write(
        "INSERT INTO code_notes(kind, target_id, author_id, body, created) VALUES (?,?,?,?,?)",
        kind,
        target,
        visit.user_id,
        body,
        visit.today.isoformat(),
    )
    # The newest comment is on the last page: show it.
    num_notes = visit.db.count("SELECT COUNT(*) FROM code_notes WHERE kind = ? AND target_id = ?", kind, target)
    last = 1 + (num_notes - 1) // PER_PAGE
    page = f"?page={last}" if last > 1 else ""
    return visit.redirect(f"{back}{page}", flash="Your comment was posted.")
