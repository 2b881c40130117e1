"""The forum's addresses. What a page does is in boards, threads and people."""

from __future__ import annotations

from starlette.routing import Route

from services.arena.sites.forum import boards, people, threads
from services.arena.web import route

ROUTES: list[Route] = [
    route("/", boards.home),
    route("/boards/{slug}", boards.board),
    route("/boards/{slug}/subscribe", boards.subscribe, ("POST",), login=True),
    route("/boards/{slug}/new", threads.new, ("GET", "POST"), login=True),
    route("/subscriptions", boards.subscriptions, login=True),
    route("/threads/{number}", threads.thread),
    route("/threads/{number}/edit", threads.edit, ("GET", "POST"), login=True),
    route("/threads/{number}/delete", threads.delete, ("POST",), login=True),
    route("/threads/{number}/comments", threads.comment, ("POST",), login=True),
    route("/threads/{number}/vote", threads.vote, ("POST",), login=True),
    route("/threads/{number}/save", threads.save, ("POST",), login=True),
    route("/comments/{number}/vote", threads.vote_comment, ("POST",), login=True),
    route("/saved", threads.saved, login=True),
    route("/users/{username}", people.user),
    route("/me", people.me, login=True),
    route("/profile", people.profile, ("GET", "POST"), login=True),
    route("/search", people.search),
]
