"""Projects: the dashboard, exploring, one project, its members and settings, and who may do what.

A private project exists only for its members; managing one takes the role Owner or Maintainer.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

from starlette.responses import Response

from services.arena.sites.code.content import ROLES, VISIBILITIES
from services.arena.web import NotFound, Visit

ORDERS = {"stars": ("Most Stars", "num_stars DESC, p.id"), "newest": ("Newest", "p.created DESC, p.id DESC")}
SEEN = "(p.visibility != 'Private' OR p.id IN (SELECT project_id FROM code_members WHERE user_id = ?))"
COLUMNS = """
  p.*, u.username AS owner, p.stars + (SELECT COUNT(*) FROM code_stars WHERE project_id = p.id) AS num_stars
  FROM code_projects p JOIN code_users u ON u.id = p.owner_id
"""


def reader(visit: Visit) -> int:
    """The signed-in user's id, or 0."""
    return visit.user_id if visit.user is not None else 0


def role(visit: Visit, project_id: int) -> str:
    """The reader's role in a project, or ""."""
    sql = "SELECT role FROM code_members WHERE project_id = ? AND user_id = ?"
    row = visit.db.one(sql, project_id, reader(visit))
    return str(row["role"]) if row is not None else ""


def manages(visit: Visit, project_id: int) -> bool:
    """Whether the reader may change the project, its members and its issues."""
    return role(visit, project_id) in ("Owner", "Maintainer")


def find(visit: Visit, *, managed: bool = False) -> sqlite3.Row:
    """The project that the address names, or a 404; `managed`: a 404 too for who may not manage it."""
    slug = visit.params["slug"]
    project = visit.db.one(f"SELECT {COLUMNS} WHERE p.slug = ?", slug)
    if project is None or (project["visibility"] == "Private" and not role(visit, project["id"])):
        raise NotFound(f"There is no project '{slug}' that you may see. Search finds projects by name.")
    if managed and not manages(visit, project["id"]):
        raise NotFound(f"Only an owner or a maintainer of {project['name']} may do this.")
    return project


def choices(values: Sequence[str]) -> list[tuple[str, str]]:
    """Values as the radio buttons of a form want them: each with its label, here the same word."""
    return [(value, value) for value in values]


async def home(visit: Visit) -> Response:
    projects = visit.paged(
        f"SELECT {COLUMNS} JOIN code_members m ON m.project_id = p.id WHERE m.user_id = ? ORDER BY p.name",
        visit.user_id,
    )
    num_todos = visit.db.count("SELECT COUNT(*) FROM code_todos WHERE user_id = ? AND done = 0", visit.user_id)
    return visit.render("code/home.html", page=projects, num_todos=num_todos)


async def explore(visit: Visit) -> Response:
    order = visit.query.get("sort", "stars")
    if order not in ORDERS:
        raise NotFound(f"Projects are not sorted by '{order}', only by {', '.join(ORDERS)}.")
    page = visit.paged(f"SELECT {COLUMNS} WHERE p.visibility != 'Private' ORDER BY {ORDERS[order][1]}")
    titles = {key: title for key, (title, _) in ORDERS.items()}
    return visit.render("code/explore.html", page=page, order=order, orders=titles)


async def project(visit: Visit) -> Response:
    found = find(visit)
    starred = visit.db.one("SELECT 1 FROM code_stars WHERE user_id = ? AND project_id = ?", reader(visit), found["id"])
    return visit.render(
        "code/project.html",
        project=found,
        starred=starred is not None,
        managed=manages(visit, found["id"]),
        num_members=visit.db.count("SELECT COUNT(*) FROM code_members WHERE project_id = ?", found["id"]),
    )


async def star(visit: Visit) -> Response:
    """Star the project, or take the star back."""
    found = find(visit)
    where = (visit.user_id, found["id"])
    if visit.db.one("SELECT 1 FROM code_stars WHERE user_id = ? AND project_id = ?", *where):
        sql, flash = "DELETE FROM code_stars WHERE user_id = ? AND project_id = ?", "You unstarred"
    else:
        sql, flash = "INSERT INTO code_stars VALUES (?, ?)", "You starred"
    visit.db.write(sql, *where)
    return visit.redirect(f"/projects/{found['slug']}", flash=f"{flash} {found['name']}.")


async def new(visit: Visit) -> Response:
    form = await visit.form() if visit.is_post else {}
    if not visit.is_post:
        return _new_form(visit, form, "")
    name, visibility = form.get("name", ""), form.get("visibility", "Private")
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug or slug == "new":
        return _new_form(visit, form, "Give the project a name with a letter or a digit in it.")
    if visibility not in VISIBILITIES:
        return _new_form(visit, form, f"Choose one of {', '.join(VISIBILITIES)}.")
    if visit.db.one("SELECT 1 FROM code_projects WHERE slug = ?", slug):
        return _new_form(visit, form, f"The name {name} is taken. Choose another one.")
    key = visit.db.write(
        "INSERT INTO code_projects(slug, name, owner_id, description, visibility, language, license, branch,"
        " created, commits, stars) VALUES (?,?,?,?,?,'None','None','main',?,0,0)",
        slug,
        name,
        visit.user_id,
        form.get("description", ""),
        visibility,
        visit.today.isoformat(),
    )
    visit.db.write("INSERT INTO code_members VALUES (?, ?, 'Owner')", key, visit.user_id)
    return visit.redirect(f"/projects/{slug}", flash=f"Project {name} was created.")


def _new_form(visit: Visit, form: dict[str, str], error: str) -> Response:
    status = 422 if error else 200
    return visit.render(
        "code/project_form.html", status=status, form=form, error=error, visibilities=choices(VISIBILITIES)
    )


async def settings(visit: Visit) -> Response:
    found = find(visit, managed=True)
    if not visit.is_post:
        return visit.render("code/settings.html", project=found, visibilities=choices(VISIBILITIES))
    form = await visit.form()
    visibility = form.get("visibility", found["visibility"])
    if visibility not in VISIBILITIES:
        raise NotFound(f"A project is {', '.join(VISIBILITIES)}, not '{visibility}'.")
    visit.db.write(
        "UPDATE code_projects SET description = ?, visibility = ? WHERE id = ?",
        form.get("description", ""),
        visibility,
        found["id"],
    )
    return visit.redirect(f"/projects/{found['slug']}", flash=f"The settings of {found['name']} were saved.")


async def members(visit: Visit) -> Response:
    return _members(visit, find(visit), {}, "")


def _members(visit: Visit, found: sqlite3.Row, form: dict[str, str], error: str) -> Response:
    rows = visit.db.rows(
        "SELECT u.username, u.name, m.role FROM code_members m JOIN code_users u ON u.id = m.user_id"
        " WHERE m.project_id = ? ORDER BY m.role != 'Owner', u.username",
        found["id"],
    )
    return visit.render(
        "code/members.html",
        status=422 if error else 200,
        project=found,
        members=rows,
        managed=manages(visit, found["id"]),
        roles=choices(ROLES),
        form=form,
        error=error,
    )


async def add_member(visit: Visit) -> Response:
    """Add somebody with a role, or change the role of somebody who is in already."""
    found = find(visit, managed=True)
    form = await visit.form()
    username, wanted = form.get("username", "").removeprefix("@"), form.get("role", "Guest")
    person = visit.db.one("SELECT id FROM code_users WHERE username = ?", username)
    if person is None:
        return _members(visit, found, form, f"There is no user '{username}'. Search finds users by name.")
    if person["id"] == found["owner_id"] or wanted not in ROLES:
        return _members(visit, found, form, f"{username} cannot become '{wanted}' here.")
    visit.db.write("INSERT OR REPLACE INTO code_members VALUES (?, ?, ?)", found["id"], person["id"], wanted)
    return visit.redirect(f"/projects/{found['slug']}/members", flash=f"{username} is now a {wanted}.")


async def remove_member(visit: Visit) -> Response:
    found = find(visit, managed=True)
    username = (await visit.form()).get("username", "")
    visit.db.write(
        "DELETE FROM code_members WHERE project_id = ? AND role != 'Owner'"
        " AND user_id = (SELECT id FROM code_users WHERE username = ?)",
        found["id"],
        username,
    )
    return visit.redirect(f"/projects/{found['slug']}/members", flash=f"{username} is no longer a member.")
