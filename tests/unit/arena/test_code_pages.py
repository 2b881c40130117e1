"""The code host: projects, members, issues, merge requests, and who may see and change them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import httpx
import pytest

from services.arena.app import EPISODE_HEADER, site_app
from services.arena.names import PARTITIONS
from services.arena.sites import SITES
from services.arena.state import Registry
from services.arena.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World("eval", 4)


@pytest.fixture
async def guest(world: World) -> AsyncIterator[httpx.AsyncClient]:
    registry = Registry()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(site_app(SITES["gitlab"], registry)),
        base_url=SITES["gitlab"].display_url,
        headers={EPISODE_HEADER: registry.create(world)},
        follow_redirects=True,
    ) as client:
        yield client


@pytest.fixture
async def owner(world: World, guest: httpx.AsyncClient) -> httpx.AsyncClient:
    account = world.accounts["gitlab"]
    page = await guest.post("/login", data={"username": account.username, "password": account.password})
    assert "Your Projects" in page.text
    return guest


def own(world: World, visibility: str = "Public") -> sqlite3.Row:
    """A project of the signed-in user."""
    return world.query("SELECT * FROM code_projects WHERE owner_id = 1 AND visibility = ?", visibility)[0]


def foreign(world: World) -> sqlite3.Row:
    """A project of somebody else that everyone sees."""
    return world.query("SELECT * FROM code_projects WHERE owner_id != 1 AND visibility = 'Public'")[0]


def path_of(world: World, issue: sqlite3.Row) -> str:
    slug = world.query("SELECT slug FROM code_projects WHERE id = ?", issue["project_id"])[0]["slug"]
    return f"/projects/{slug}/issues/{issue['id']}"


def shown(text: str) -> str:
    """A fact as a page writes it, up to the end of its element."""
    return f">{text}</p>"


def test_a_code_host_has_the_promised_size(world: World) -> None:
    sizes = {
        table: world.query(f"SELECT COUNT(*) FROM code_{table}")[0][0]
        for table in ("users", "projects", "issues", "merge_requests")
    }
    assert sizes == {"users": 20, "projects": 20, "issues": 80, "merge_requests": 25}


def test_code_hosts_of_two_partitions_share_no_name() -> None:
    sql = "SELECT title FROM code_issues UNION SELECT username FROM code_users UNION SELECT slug FROM code_projects"
    names = [{row[0] for row in World(partition, 1).query(sql)} for partition in PARTITIONS]
    assert sum(map(len, names)) == len(set.union(*names)) == 3 * (80 + 20 + 20)


@pytest.mark.parametrize("seed", range(6))
def test_the_most_starred_project_is_never_tied(seed: int) -> None:
    stars = World("train", seed).query(
        "SELECT stars + (SELECT COUNT(*) FROM code_stars s WHERE s.project_id = p.id) AS n FROM code_projects p"
        " ORDER BY n DESC"
    )
    assert stars[0]["n"] > stars[1]["n"]


async def test_a_private_project_is_hidden_from_strangers_everywhere(guest: httpx.AsyncClient, world: World) -> None:
    project = own(world, "Private")
    issue = world.query("SELECT * FROM code_issues WHERE project_id = ?", project["id"])[0]
    for path in (f"/projects/{project['slug']}", f"/projects/{project['slug']}/issues", path_of(world, issue)):
        assert (await guest.get(path)).status_code == 404
    for text in (project["name"], issue["title"]):
        assert "Nothing was found" in (await guest.get("/search", params={"q": text})).text
    username = world.accounts["gitlab"].username
    for path in ("/explore", "/explore?page=2", "/explore?page=3", f"/users/{username}"):
        assert project["name"] not in (await guest.get(path)).text


async def test_its_owner_sees_a_private_project(owner: httpx.AsyncClient, world: World) -> None:
    project = own(world, "Private")
    assert shown("Visibility: Private") in (await owner.get(f"/projects/{project['slug']}")).text
    assert project["name"] in (await owner.get("/search", params={"q": project["name"]})).text


async def test_a_project_that_becomes_private_leaves_the_public_list(owner: httpx.AsyncClient, world: World) -> None:
    slug = own(world)["slug"]
    data = {"description": "Hidden now", "visibility": "Private"}
    page = await owner.post(f"/projects/{slug}/settings", data=data)
    assert shown("Visibility: Private") in page.text
    assert "Hidden now" in page.text
    await owner.get("/logout")
    assert (await owner.get(f"/projects/{slug}")).status_code == 404


async def test_only_managers_change_a_project(owner: httpx.AsyncClient, world: World) -> None:
    project = foreign(world)
    for path in ("settings", "members/add", "members/remove"):
        page = await owner.post(f"/projects/{project['slug']}/{path}", data={"description": "x", "username": "y"})
        assert page.status_code == 404
        assert "Only an owner or a maintainer" in page.text
    assert project["description"] in (await owner.get(f"/projects/{project['slug']}")).text


async def test_a_maintainer_may_manage_and_a_developer_may_not(owner: httpx.AsyncClient, world: World) -> None:
    slug, user = own(world)["slug"], world.query("SELECT * FROM code_users WHERE id = 9")[0]
    for role, status in (("Developer", 404), ("Maintainer", 200)):
        page = await owner.post(f"/projects/{slug}/members/add", data={"username": user["username"], "role": role})
        assert f"{user['username']}: {role}<" in page.text
        await owner.get("/logout")
        await owner.post("/login", data={"username": user["username"], "password": user["password"]})
        assert (await owner.get(f"/projects/{slug}/settings")).status_code == status
        await owner.get("/logout")
        account = world.accounts["gitlab"]
        await owner.post("/login", data={"username": account.username, "password": account.password})


async def test_adding_a_member_twice_changes_the_role(owner: httpx.AsyncClient, world: World) -> None:
    slug = own(world)["slug"]
    user = world.query("SELECT username FROM code_users WHERE id = 11")[0]["username"]
    for role in ("Guest", "Reporter"):
        page = await owner.post(f"/projects/{slug}/members/add", data={"username": f"@{user}", "role": role})
    assert f"{user}: Reporter" in page.text
    assert f"{user}: Guest" not in page.text
    page = await owner.post(f"/projects/{slug}/members/remove", data={"username": user})
    assert f"{user}: " not in page.text


@pytest.mark.parametrize(("username", "role"), [("nobody", "Guest"), ("", "Guest"), (None, "Guest"), ("x", "Boss")])
async def test_a_bad_member_is_refused_and_the_owner_stays(
    owner: httpx.AsyncClient, world: World, username: str | None, role: str
) -> None:
    me = world.accounts["gitlab"].username
    path = f"/projects/{own(world)['slug']}/members"
    before = (await owner.get(path)).text.count('class="member"')
    page = await owner.post(f"{path}/add", data={"username": me if username is None else username, "role": role})
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    await owner.post(f"{path}/remove", data={"username": me})
    after = (await owner.get(path)).text
    assert f"{me}: Owner" in after
    assert after.count('class="member"') == before


async def test_a_second_star_takes_the_first_one_back(owner: httpx.AsyncClient, world: World) -> None:
    sql = "SELECT * FROM code_projects WHERE visibility = 'Public' AND id NOT IN (SELECT project_id FROM code_stars)"
    project = world.query(sql)[0]
    page = await owner.post(f"/projects/{project['slug']}/star")
    assert shown(f"Stars: {project['stars'] + 1}") in page.text
    assert shown("Starred by you: Yes") in page.text
    page = await owner.post(f"/projects/{project['slug']}/star")
    assert shown(f"Stars: {project['stars']}") in page.text
    assert shown("Starred by you: No") in page.text


async def test_a_new_project_belongs_to_its_maker(owner: httpx.AsyncClient, world: World) -> None:
    page = await owner.post("/projects/new", data={"name": "Tea  Kettle 2!", "visibility": "Internal"})
    assert page.url.path == "/projects/tea-kettle-2"
    assert shown(f"Owner: {world.accounts['gitlab'].username}") in page.text
    assert "There are no such issues" in (await owner.get("/projects/tea-kettle-2/issues")).text


@pytest.mark.parametrize(
    ("name", "visibility", "says"),
    [
        ("", "Public", "Give the project a name"),
        ("New", "Public", "Give the project a name"),
        ("Tea", "Secret", "Choose"),
    ],
)
async def test_a_bad_project_is_refused(owner: httpx.AsyncClient, name: str, visibility: str, says: str) -> None:
    page = await owner.post("/projects/new", data={"name": name, "visibility": visibility})
    assert page.status_code == 422
    assert says in page.text


async def test_two_projects_cannot_share_a_name(owner: httpx.AsyncClient, world: World) -> None:
    page = await owner.post("/projects/new", data={"name": foreign(world)["name"], "visibility": "Public"})
    assert page.status_code == 422
    assert "is taken" in page.text


async def test_an_issue_is_written_closed_and_found_where_it_belongs(owner: httpx.AsyncClient, world: World) -> None:
    slug = own(world)["slug"]
    refused = await owner.post(f"/projects/{slug}/issues/new", data={"title": "", "label": "bug"})
    assert refused.status_code == 422
    page = await owner.post(f"/projects/{slug}/issues/new", data={"title": "Tea is cold", "label": "docs"})
    assert shown("State: Open") in page.text
    assert shown("Label: docs") in page.text
    path = page.url.path
    assert "Tea is cold" in (await owner.get(f"/projects/{slug}/issues?label=docs")).text
    assert "Tea is cold" not in (await owner.get(f"/projects/{slug}/issues?label=bug")).text
    assert shown("State: Closed") in (await owner.post(f"{path}/state")).text
    assert "Tea is cold" not in (await owner.get(f"/projects/{slug}/issues")).text
    assert "Tea is cold" in (await owner.get(f"/projects/{slug}/issues?state=Closed")).text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"assignee": "nobody-here"}, "There is no user"),
        ({"due": "tomorrow"}, "is not a date"),
        ({"label": "urgent"}, "A label is one of"),
        ({"title": ""}, "needs a title"),
    ],
)
async def test_a_bad_edit_of_an_issue_is_refused_and_nothing_changes(
    owner: httpx.AsyncClient, world: World, change: dict[str, str], says: str
) -> None:
    issue = world.query("SELECT * FROM code_issues WHERE project_id = ?", own(world)["id"])[0]
    path = path_of(world, issue)
    before = (await owner.get(path)).text
    data = {"title": "Other", "assignee": "Nobody", "due": "2030-01-01", "label": "bug"} | change
    page = await owner.post(f"{path}/edit", data=data)
    assert page.status_code == 422
    assert says in page.text
    assert (await owner.get(path)).text == before


async def test_an_issue_can_be_assigned_and_unassigned(owner: httpx.AsyncClient, world: World) -> None:
    issue = world.query("SELECT * FROM code_issues WHERE project_id = ?", own(world)["id"])[0]
    user = world.query("SELECT username FROM code_users WHERE id = 7")[0]["username"]
    for assignee in (user, "Nobody"):
        data = {"title": issue["title"], "assignee": assignee, "due": issue["due"], "label": issue["label"]}
        page = await owner.post(f"{path_of(world, issue)}/edit", data=data)
        assert shown(f"Assignee: {assignee}") in page.text


async def test_an_issue_is_not_reachable_through_another_project(owner: httpx.AsyncClient, world: World) -> None:
    issue = world.query("SELECT * FROM code_issues WHERE project_id = ?", own(world)["id"])[0]
    page = await owner.get(f"/projects/{foreign(world)['slug']}/issues/{issue['id']}")
    assert page.status_code == 404
    assert f"has no issue {issue['id']}" in page.text


async def test_a_merge_request_is_merged_by_its_assignee_only_once(owner: httpx.AsyncClient, world: World) -> None:
    sql = "SELECT r.*, p.slug FROM code_merge_requests r JOIN code_projects p ON p.id = r.project_id"
    mine = world.query(f"{sql} WHERE assignee_id = 1 AND p.owner_id != 1")[0]
    path = f"/projects/{mine['slug']}/merge_requests/{mine['id']}"
    assert (await owner.post(f"{path}/approve")).status_code == 404
    assert shown("State: Merged") in (await owner.post(f"{path}/merge")).text
    assert (await owner.post(f"{path}/merge")).status_code == 404
    assert mine["title"] not in (await owner.get("/merge_requests")).text


async def test_a_stranger_can_neither_approve_nor_merge(owner: httpx.AsyncClient, world: World) -> None:
    sql = "SELECT r.*, p.slug FROM code_merge_requests r JOIN code_projects p ON p.id = r.project_id"
    other = world.query(f"{sql} WHERE 1 NOT IN (assignee_id, reviewer_id, p.owner_id) AND r.state = 'Open'")[0]
    path = f"/projects/{other['slug']}/merge_requests/{other['id']}"
    before = (await owner.get(path)).text
    for action in ("approve", "merge"):
        assert (await owner.post(f"{path}/{action}")).status_code == 404
    assert (await owner.get(path)).text == before


async def test_a_finished_todo_moves_to_done(owner: httpx.AsyncClient, world: World) -> None:
    todo = world.query("SELECT t.id, i.title FROM code_todos t JOIN code_issues i ON i.id = t.issue_id")[0]
    page = await owner.post(f"/todos/{todo['id']}/done")
    assert todo["title"] not in page.text
    assert todo["title"] in (await owner.get("/todos?state=done")).text
    assert shown("Open todos: 5") in (await owner.get("/")).text


async def test_nobody_finishes_the_todos_of_another(guest: httpx.AsyncClient, world: World) -> None:
    user = world.query("SELECT * FROM code_users WHERE id = 5")[0]
    await guest.post("/login", data={"username": user["username"], "password": user["password"]})
    await guest.post("/todos/1/done")
    await guest.get("/logout")
    account = world.accounts["gitlab"]
    page = await guest.post("/login", data={"username": account.username, "password": account.password})
    assert shown("Open todos: 6") in page.text


async def test_following_and_the_profile_show_on_the_users_page(owner: httpx.AsyncClient, world: World) -> None:
    sql = "SELECT username FROM code_users WHERE id > 1 AND id NOT IN (SELECT followed_id FROM code_follows)"
    user = world.query(sql)[0]["username"]
    assert shown("Followed by you: Yes") in (await owner.post(f"/users/{user}/follow")).text
    assert shown("Followed by you: No") in (await owner.post(f"/users/{user}/follow")).text
    data = {"status": "Having tea", "bio": "", "location": "Here"}
    page = await owner.post("/profile", data=data)
    assert shown("Status: Having tea") in page.text


async def test_the_newest_of_many_comments_is_shown_after_posting(owner: httpx.AsyncClient, world: World) -> None:
    issue = world.query("SELECT * FROM code_issues WHERE project_id = ?", own(world)["id"])[0]
    for number in range(9):
        page = await owner.post(f"{path_of(world, issue)}/comments", data={"body": f"<i>Remark {number}"})
        assert f": &lt;i&gt;Remark {number}" in page.text
    assert page.url.params["page"] == "2"
