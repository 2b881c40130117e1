"""Code host tasks that change projects, their members, stars, follows and the reader's own profile.

Every check reads the page where the change shows, and the untouched world fails it.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from services.arena.names import Names
from services.arena.sites.code.content import KINDS, ROLES, VISIBILITIES
from services.arena.sites.code.facts import (
    CODE,
    DONE,
    OWN,
    SEEN,
    SITE,
    by_search,
    me,
    members,
    phrase,
    projects,
    shows,
    strangers,
    users,
)
from services.arena.task import Build, Draft, Move, Template, click, fill, page_has

if TYPE_CHECKING:
    from services.arena.world import World

MEMBERS = "Array.from(document.querySelectorAll('.member')).map(e => e.innerText).join('|')"


def _star(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"project": row["name"]},
            shows(f"/projects/{row['slug']}", ".project-starred", "Starred by you: Yes"),
            (*by_search(row["name"]), click("button", "Star"), DONE),
        )
        for row in projects(world, rng, n, f"{SEEN} AND p.id NOT IN (SELECT project_id FROM code_stars)")  # noqa: S608
    ]


def _unstar(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"project": row["name"]},
            shows(f"/projects/{row['slug']}", ".project-starred", "Starred by you: No"),
            (*by_search(row["name"]), click("button", "Unstar"), DONE),
        )
        for row in projects(world, rng, n, f"{SEEN} AND p.id IN (SELECT project_id FROM code_stars)")  # noqa: S608
    ]


def _star_top(world: World, rng: random.Random, n: int) -> list[Draft]:
    top = sorted(projects(world, rng, 99, "p.visibility != 'Private'"), key=lambda row: -row["num_stars"])
    starred = {row["project_id"] for row in world.query("SELECT project_id FROM code_stars WHERE user_id = 1")}
    if top[0]["id"] in starred:
        return []
    check = shows(f"/projects/{top[0]['slug']}", ".project-starred", "Starred by you: Yes")
    script = (click("link", "Explore"), click("link", top[0]["name"]), click("button", "Star"), DONE)
    return [Draft({}, check, script)][:n]


def _follow(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"user": row["username"]},
            shows(f"/users/{row['username']}", ".user-followed", "Followed by you: Yes"),
            (*by_search(row["username"]), click("button", "Follow"), DONE),
        )
        for row in users(world, rng, n, "id NOT IN (SELECT followed_id FROM code_follows)")
    ]


def _follow_owner(world: World, rng: random.Random, n: int) -> list[Draft]:
    strange = f"{SEEN} AND p.owner_id != 1 AND p.owner_id NOT IN (SELECT followed_id FROM code_follows)"  # noqa: S608
    return [
        Draft(
            {"project": row["name"]},
            shows(f"/users/{row['owner']}", ".user-followed", "Followed by you: Yes"),
            (*by_search(row["name"]), *by_search(row["owner"]), click("button", "Follow"), DONE),
        )
        for row in projects(world, rng, n, strange)
    ]


def _describe(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = Names(world.partition, rng)
    drafts = []
    for row in [project for _ in range(4) for project in projects(world, rng, n, OWN)][:n]:
        text = phrase(names, rng)
        script = (
            click("link", row["name"]),
            click("link", "Settings"),
            fill("textbox", "Description", text),
            click("button", "Save Changes"),
            DONE,
        )
        check = shows(f"/projects/{row['slug']}", ".project-description", text)
        drafts.append(Draft({"project": row["name"], "text": text}, check, script))
    return drafts


def _publish(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in projects(world, rng, n, OWN):
        for visibility in VISIBILITIES:
            if visibility == row["visibility"]:
                continue
            script = (
                click("link", row["name"]),
                click("link", "Settings"),
                click("radio", visibility),
                click("button", "Save Changes"),
                DONE,
            )
            check = shows(f"/projects/{row['slug']}", ".project-visibility", f"Visibility: {visibility}")
            drafts.append(Draft({"project": row["name"], "visibility": visibility.lower()}, check, script))
    return rng.sample(drafts, min(n, len(drafts)))


def _join(user: str, role: str) -> tuple[Move, ...]:
    return (
        fill("textbox", "Username", user),
        click("radio", role),
        click("button", "Add Member"),
        DONE,
    )


def _add_member(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in [project for _ in range(4) for project in projects(world, rng, n, OWN)][:n]:
        user, role = strangers(world, rng, row["id"])[0]["username"], rng.choice(ROLES)
        script = (click("link", row["name"]), click("link", "Members"), *_join(user, role))
        check = page_has(f"{SITE}/projects/{row['slug']}/members", MEMBERS, includes=[f"{user}: {role}"])
        drafts.append(Draft({"user": user, "role": role, "project": row["name"]}, check, script))
    return drafts


def _change_role(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in members(world, rng, n):
        role = rng.choice([role for role in ROLES if role != row["role"]])
        script = (click("link", row["project"]), click("link", "Members"), *_join(row["username"], role))
        check = shows(
            f"/projects/{row['slug']}/members", f"#member-{row['username']} .member", f"{row['username']}: {role}"
        )
        values: dict[str, str | int] = {"user": row["username"], "role": role, "project": row["project"]}
        drafts.append(Draft(values, check, script))
    return drafts


def _remove_member(world: World, rng: random.Random, n: int) -> list[Draft]:
    everyone = members(world, rng, 999)
    drafts = []
    for row in everyone[:n]:
        left = [
            f"{other['username']}: {other['role']}"
            for other in everyone
            if other["slug"] == row["slug"] and other["username"] != row["username"]
        ]
        left = sorted([f"{me(world)}: Owner", *left], key=lambda text: (not text.endswith(": Owner"), text))
        check = page_has(f"{SITE}/projects/{row['slug']}/members", MEMBERS, exact="|".join(left))
        script = (
            click("link", row["project"]),
            click("link", "Members"),
            click("button", f"Remove {row['username']}"),
            DONE,
        )
        drafts.append(Draft({"user": row["username"], "project": row["project"]}, check, script))
    return drafts


def _new_project(with_member: bool) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        names = Names(world.partition, rng)
        drafts = []
        for _ in range(n):
            name, visibility = f"{names.brand()} {rng.choice(KINDS).capitalize()}", rng.choice(VISIBILITIES)
            slug = name.lower().replace(" ", "-")
            check = shows(f"/projects/{slug}", ".project-visibility", f"Visibility: {visibility}")
            values: dict[str, str | int] = {"name": name, "visibility": visibility.lower()}
            script: tuple[Move, ...] = (
                click("link", "New Project"),
                fill("textbox", "Name", name),
                click("radio", visibility),
                click("button", "Create Project"),
            )
            if not with_member:
                drafts.append(Draft(values, check, (*script, DONE)))
                continue
            user, role = users(world, rng, 1)[0]["username"], rng.choice(ROLES)
            joined = page_has(f"{SITE}/projects/{slug}/members", MEMBERS, includes=[f"{user}: {role}"])
            values |= {"user": user, "role": role}
            drafts.append(Draft(values, (check, joined), (*script, click("link", "Members"), *_join(user, role))))
        return drafts

    return build


def _profile(field: str) -> Build:
    def build(world: World, rng: random.Random, n: int) -> list[Draft]:
        names, username = Names(world.partition, rng), me(world)
        drafts = []
        for _ in range(n):
            text = names.place() if field == "Location" else phrase(names, rng)
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
                fill("textbox", "User Name", row["username"]),
                fill("textbox", "Password", row["password"]),
                click("button", "Sign In"),
                DONE,
            ),
        )
        for row in users(world, rng, n)
    ]


TEMPLATES: list[Template] = [
    Template(440, CODE, "Star the project {{project}}.", _star),
    Template(441, CODE, "Take back my star from {{project}}.", _unstar, held_out=True),
    Template(442, CODE, "Star the most starred project on the site.", _star_top),
    Template(443, CODE, "Follow {{user}}.", _follow),
    Template(444, CODE, "Follow the owner of {{project}}.", _follow_owner, held_out=True),
    Template(450, CODE, 'Change the description of {{project}} to "{{text}}".', _describe),
    Template(451, CODE, "Make my project {{project}} {{visibility}}.", _publish),
    Template(452, CODE, "Add {{user}} as {{role}} to {{project}}.", _add_member),
    Template(453, CODE, "Change the role of {{user}} in {{project}} to {{role}}.", _change_role, held_out=True),
    Template(454, CODE, "Remove {{user}} from my project {{project}}.", _remove_member),
    Template(455, CODE, "Create a {{visibility}} project named {{name}}.", _new_project(with_member=False)),
    Template(
        456,
        CODE,
        "Create a {{visibility}} project named {{name}} and add {{user}} as {{role}}.",
        _new_project(with_member=True),
    ),
    Template(460, CODE, 'Set my status as "{{text}}".', _profile("Status")),
    Template(461, CODE, "Set the location of my profile to {{text}}.", _profile("Location"), held_out=True),
    Template(462, CODE, 'Change the bio of my profile to "{{text}}".', _profile("Bio")),
    Template(463, CODE, "Sign in as {{user}} with the password {{password}}.", _sign_in, signed_in=False),
]
