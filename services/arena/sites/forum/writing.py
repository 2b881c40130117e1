"""Forum tasks that write: comments, threads, the profile, and signing in.

Every check reads the page where the change shows, and the untouched world fails it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from services.arena.names import Names
from services.arena.sites.forum.facts import (
    FORUM,
    ME,
    NAMED,
    SITE,
    boards,
    by_board,
    me,
    members,
    phrase,
    shows,
    threads,
)
from services.arena.task import Build, Draft, Template, click, fill, page_has, stop, text_of

if TYPE_CHECKING:
    from services.arena.world import World

DONE = stop("Done")
COMMENTS = "Array.from(document.querySelectorAll('.comment-body')).map(e => e.innerText).join('|')"


def _comment(world: World, rng: random.Random, n: int) -> list[Draft]:
    names, mine = Names(world.partition, rng), me(world)["username"]
    drafts = []
    for row in threads(world, rng, n):
        text = phrase(names, rng)
        drafts.append(
            Draft(
                {"title": row["title"], "board": row["board"], "text": text},
                page_has(f"{SITE}/threads/{row['id']}", COMMENTS, includes=[f"{mine}: {text}"]),
                (*by_board(row), fill("textbox", "Comment", text), click("button", "Post Comment"), DONE),
            )
        )
    return drafts


def _vote_save_comment(world: World, rng: random.Random, n: int) -> list[Draft]:
    names, mine = Names(world.partition, rng), me(world)["username"]
    drafts = []
    for row in threads(world, rng, n, "t.author_id != 1 AND t.id NOT IN (SELECT thread_id FROM forum_saved)"):
        text, path = phrase(names, rng), f"/threads/{row['id']}"
        checks = (
            shows(path, ".thread-vote", "Your vote: Up"),
            shows(path, ".thread-saved", "Saved: Yes"),
            page_has(f"{SITE}{path}", COMMENTS, includes=[f"{mine}: {text}"]),
        )
        script = (
            *by_board(row),
            click("button", "Upvote"),
            click("button", "Save"),
            fill("textbox", "Comment", text),
            click("button", "Post Comment"),
            DONE,
        )
        drafts.append(Draft({"title": row["title"], "board": row["board"], "text": text}, checks, script))
    return drafts


def _new_thread(world: World, rng: random.Random, n: int) -> list[Draft]:
    names, mine = Names(world.partition, rng), me(world)["username"]
    drafts = []
    for row in [board for _ in range(3) for board in boards(world, rng, n)][:n]:
        title, body = f"Meeting in {names.place()}", phrase(names, rng)
        checks = (
            page_has("last", text_of(".thread-title"), exact=title),
            page_has("last", text_of(".thread-body"), exact=body),
            page_has("last", text_of(".thread-author"), exact=f"Author: {mine}"),
            page_has(f"{SITE}/boards/{row['slug']}", text_of(".threads"), includes=[title]),
        )
        script = (
            click("link", row["name"]),
            click("link", "New Thread"),
            fill("textbox", "Title", title),
            fill("textbox", "Body", body),
            click("button", "Post Thread"),
            DONE,
        )
        drafts.append(Draft({"title": title, "body": body, "board": row["name"]}, checks, script))
    return drafts


def _edit_thread(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = Names(world.partition, rng)
    drafts = []
    for row in [own for _ in range(4) for own in threads(world, rng, n, f"t.author_id = {ME}")][:n]:
        text = phrase(names, rng)
        script = (
            click("link", "Profile"),
            click("link", row["title"]),
            click("link", "Edit Thread"),
            fill("textbox", "Body", text),
            click("button", "Save Changes"),
            DONE,
        )
        check = shows(f"/threads/{row['id']}", ".thread-body", text)
        drafts.append(Draft({"title": row["title"], "text": text}, check, script))
    return drafts


def _delete_thread(world: World, rng: random.Random, n: int) -> list[Draft]:
    username = me(world)["username"]
    own = threads(world, rng, n, f"t.author_id = {ME}")
    drafts = []
    for row in own:
        others = [other["title"] for other in own if other["id"] != row["id"]]
        checks = (
            shows(f"/users/{username}", ".user-threads", f"Threads: {len(others)}"),
            page_has(f"{SITE}/users/{username}", text_of(".threads"), includes=others),
        )
        script = (
            click("link", "Profile"),
            click("link", row["title"]),
            click("link", "Edit Thread"),
            click("button", "Delete Thread"),
            DONE,
        )
        drafts.append(Draft({"title": row["title"]}, checks, script))
    return drafts


def _profile(field: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        names, username = Names(world.partition, rng), me(world)["username"]
        drafts = []
        for _ in range(n):
            text = phrase(names, rng) if field == "Bio" else names.place()
            script = (
                click("link", "Profile"),
                click("link", "Edit Profile"),
                fill("textbox", field, text),
                click("button", "Save Profile"),
                DONE,
            )
            check = shows(f"/users/{username}", f".user-{field.lower()}", f"{field}: {text}")
            drafts.append(Draft({"text": text}, check, script))
        return drafts

    return build


def _sign_in(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"user": row["username"], "password": row["password"]},
            shows("/me", ".user-name", row["username"]),
            (
                click("link", "Sign In"),
                fill("textbox", "User Name", row["username"]),
                fill("textbox", "Password", row["password"]),
                click("button", "Sign In"),
                DONE,
            ),
        )
        for row in members(world, rng, n)
    ]


TEMPLATES: list[Template] = [
    Template(340, FORUM, f'Post the comment "{{{{text}}}}" in {NAMED}.', _comment),
    Template(341, FORUM, f'Upvote and save {NAMED}, then comment "{{{{text}}}}".', _vote_save_comment, held_out=True),
    Template(
        342,
        FORUM,
        'Start a thread in {{board}} with the title "{{title}}" and the body "{{body}}".',
        _new_thread,
    ),
    Template(343, FORUM, 'Change the body of my thread "{{title}}" to "{{text}}".', _edit_thread),
    Template(344, FORUM, 'Delete my thread "{{title}}".', _delete_thread, held_out=True),
    Template(350, FORUM, 'Change my forum bio to "{{text}}".', _profile("Bio")),
    Template(351, FORUM, "Set my forum location to {{text}}.", _profile("Location"), held_out=True),
    Template(352, FORUM, "Sign in to the forum as {{user}} with the password {{password}}.", _sign_in, signed_in=False),
]
