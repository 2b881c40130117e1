"""The forum: boards, threads, comments, votes, saved threads, subscriptions, profiles."""

from __future__ import annotations

from services.arena.site import Site
from services.arena.sites.forum.content import SCHEMA, populate
from services.arena.sites.forum.tasks import TEMPLATES
from services.arena.sites.forum.views import ROUTES

SITE = Site(
    key="reddit",
    folder="forum",
    title="Roundtable",
    schema=SCHEMA,
    populate=populate,
    routes=ROUTES,
    templates=TEMPLATES,
    user_table="forum_users",
    search=("Search", "/search"),
    nav=(("Boards", "/"),),
    account_nav=(("Subscriptions", "/subscriptions"), ("Saved", "/saved"), ("Profile", "/me")),
)
