"""The encyclopedia with places: WebArena's wikipedia and map in one site, open to all, no accounts."""

from __future__ import annotations

from services.arena.site import Site
from services.arena.sites.wiki import place_views, views
from services.arena.sites.wiki.content import SCHEMA, populate
from services.arena.sites.wiki.tasks import TEMPLATES
from services.arena.web import route

BOTH = ("GET", "POST")

SITE = Site(
    key="wikipedia",
    folder="wiki",
    title="Valley Encyclopedia",
    schema=SCHEMA,
    populate=populate,
    routes=[
        route("/", views.home),
        route("/search", views.search),
        route("/category/{category}", views.category),
        route("/wiki/{article}", views.article),
        route("/wiki/{article}/history", views.history),
        route("/wiki/{article}/talk", views.talk, BOTH),
        route("/wiki/{article}/edit/{section}", views.edit, BOTH),
        route("/wiki/{article}/watch", views.watch, ("POST",)),
        route("/watchlist", views.watchlist),
        route("/recent", views.recent),
        route("/places", place_views.places),
        route("/places/{town}", place_views.town_places),
        route("/places/{town}/{kind}", place_views.town_places),
        route("/place/{place}", place_views.place),
        route("/place/{place}/edit", place_views.correct, BOTH),
        route("/place/{place}/save", place_views.save, ("POST",)),
        route("/saved", place_views.saved),
        route("/directions", place_views.directions),
    ],
    templates=TEMPLATES,
    search=("Search the encyclopedia", "/search"),
    nav=(
        ("Places", "/places"),
        ("Directions", "/directions"),
        ("Watchlist", "/watchlist"),
        ("Saved places", "/saved"),
    ),
    footer=(("Recent changes", "/recent"), ("All articles and places", "/search")),
)
