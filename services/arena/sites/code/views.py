"""The code host's addresses. What a page does is in projects, issues, merges and people."""

from __future__ import annotations

from starlette.routing import Route

from services.arena.sites.code import issues, merges, people, projects
from services.arena.web import route

BOTH = ("GET", "POST")
ISSUE = "/projects/{slug}/issues/{number}"
MERGE = "/projects/{slug}/merge_requests/{number}"
ROUTES: list[Route] = [
    route("/", projects.home, login=True),
    route("/explore", projects.explore),
    route("/projects/new", projects.new, BOTH, login=True),
    route("/projects/{slug}", projects.project),
    route("/projects/{slug}/star", projects.star, ("POST",), login=True),
    route("/projects/{slug}/settings", projects.settings, BOTH, login=True),
    route("/projects/{slug}/members", projects.members),
    route("/projects/{slug}/members/add", projects.add_member, ("POST",), login=True),
    route("/projects/{slug}/members/remove", projects.remove_member, ("POST",), login=True),
    route("/projects/{slug}/issues", issues.listing),
    route("/projects/{slug}/issues/new", issues.new, BOTH, login=True),
    route(ISSUE, issues.issue),
    route(f"{ISSUE}/edit", issues.edit, BOTH, login=True),
    route(f"{ISSUE}/state", issues.toggle, ("POST",), login=True),
    route(f"{ISSUE}/comments", issues.comment, ("POST",), login=True),
    route("/projects/{slug}/merge_requests", merges.listing),
    route(MERGE, merges.merge_request),
    route(f"{MERGE}/approve", merges.approve, ("POST",), login=True),
    route(f"{MERGE}/merge", merges.merge, ("POST",), login=True),
    route(f"{MERGE}/comments", merges.comment, ("POST",), login=True),
    route("/merge_requests", merges.mine, login=True),
    route("/todos", people.todos, login=True),
    route("/todos/{number}/done", people.finish_todo, ("POST",), login=True),
    route("/users/{username}", people.user),
    route("/users/{username}/follow", people.follow, ("POST",), login=True),
    route("/me", people.me, login=True),
    route("/profile", people.profile, BOTH, login=True),
    route("/search", people.search),
]
