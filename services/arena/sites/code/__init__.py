"""The code host: projects, issues, merge requests, members, stars, todos, profiles."""

from __future__ import annotations

from services.arena.site import Site
from services.arena.sites.code.content import SCHEMA, populate
from services.arena.sites.code.tasks import TEMPLATES
from services.arena.sites.code.views import ROUTES

SITE = Site(
    key="gitlab",
    folder="code",
    title="Codeyard",
    schema=SCHEMA,
    populate=populate,
    routes=ROUTES,
    templates=TEMPLATES,
    user_table="code_users",
    search=("Search", "/search"),
    nav=(("Explore", "/explore"),),
    account_nav=(
        ("Projects", "/"),
        ("Todos", "/todos"),
        ("My Merge Requests", "/merge_requests"),
        ("Profile", "/me"),
    ),
)
