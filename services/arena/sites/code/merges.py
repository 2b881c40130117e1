"""Merge requests: a project's, the reader's own, one with its comments, approving and merging."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.code import issues, projects
from services.arena.web import NotFound, Visit

SCOPES = {"assigned": ("Assigned to Me", "assignee_id"), "review": ("Review Requests", "reviewer_id")}
COLUMNS = """
  r.*, u.username AS author, a.username AS assignee, v.username AS reviewer, p.slug, p.name AS project
  FROM code_merge_requests r JOIN code_users u ON u.id = r.author_id JOIN code_users a ON a.id = r.assignee_id
  JOIN code_users v ON v.id = r.reviewer_id JOIN code_projects p ON p.id = r.project_id
"""


def find(visit: Visit) -> sqlite3.Row:
    """The merge request that the address names, or a 404 that says what is missing."""
    project = projects.find(visit)
    number = visit.params["number"]
    found = visit.db.one(f"SELECT {COLUMNS} WHERE r.id = ? AND r.project_id = ?", number, project["id"])
    if found is None:
        raise NotFound(f"{project['name']} has no merge request {number}.")
    return found


def path(request: sqlite3.Row) -> str:
    """The address of a merge request."""
    return f"/projects/{request['slug']}/merge_requests/{request['id']}"


async def listing(visit: Visit) -> Response:
    project = projects.find(visit)
    page = visit.paged(f"SELECT {COLUMNS} WHERE r.project_id = ? ORDER BY r.created DESC, r.id DESC", project["id"])
    return visit.render("code/merges.html", project=project, page=page)


async def mine(visit: Visit) -> Response:
    scope = visit.query.get("scope", "assigned")
    if scope not in SCOPES:
        raise NotFound(f"There is no list of merge requests '{scope}', only {', '.join(SCOPES)}.")
    page = visit.paged(
        f"SELECT {COLUMNS} WHERE r.{SCOPES[scope][1]} = ? AND r.state = 'Open' AND {projects.SEEN}"
        " ORDER BY r.created DESC, r.id DESC",
        visit.user_id,
        visit.user_id,
    )
    titles = {key: title for key, (title, _) in SCOPES.items()}
    return visit.render("code/my_merges.html", page=page, scope=scope, scopes=titles)


async def merge_request(visit: Visit) -> Response:
    found = find(visit)
    return visit.render(
        "code/merge.html",
        request=found,
        page=visit.paged(issues.NOTES, "merge_request", found["id"]),
        may_approve=_may(visit, found, "reviewer_id"),
        may_merge=_may(visit, found, "assignee_id"),
    )


def _may(visit: Visit, found: sqlite3.Row, column: str) -> bool:
    """Whether the reader is the one asked, or manages the project; and it is not merged yet."""
    asked = found[column] == projects.reader(visit) or projects.manages(visit, found["project_id"])
    return bool(asked and found["state"] == "Open")


async def approve(visit: Visit) -> Response:
    found = find(visit)
    if not _may(visit, found, "reviewer_id"):
        raise NotFound("You cannot approve this merge request: its reviewer can, while it is open.")
    visit.db.write("UPDATE code_merge_requests SET approved = 1 - approved WHERE id = ?", found["id"])
    done = "took back the approval of" if found["approved"] else "approved"
    return visit.redirect(path(found), flash=f"You {done} {found['title']}.")


async def merge(visit: Visit) -> Response:
    found = find(visit)
    if not _may(visit, found, "assignee_id"):
        raise NotFound("You cannot merge this merge request: its assignee can, while it is open.")
    visit.db.write("UPDATE code_merge_requests SET state = 'Merged' WHERE id = ?", found["id"])
    return visit.redirect(path(found), flash=f"You merged {found['title']}.")


async def comment(visit: Visit) -> Response:
    found = find(visit)
    return await issues.note(visit, "merge_request", found["id"], path(found))
