"""The arena over HTTP: episodes, isolation between them, signing in, suites, and errors that name a cause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.arena.errors import BadInput, PortInUse
from services.arena.server import ArenaServer
from services.arena.settings import ArenaSettings


@pytest.fixture
async def server() -> AsyncIterator[ArenaServer]:
    async with ArenaServer(ArenaSettings(max_episodes=12)) as running:
        yield running


@pytest.fixture
async def control(server: ArenaServer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.control_url) as client:
        yield client


async def enter(server: ArenaServer, control: httpx.AsyncClient, site: str, **body: Any) -> httpx.AsyncClient:
    """A client inside a fresh episode, with the session cookies of its storage state."""
    episode = (await control.post("/episodes", json={"partition": "train", "seed": 1, **body})).json()
    cookies = {cookie["name"]: cookie["value"] for cookie in episode["storage_state"]["cookies"]}
    return httpx.AsyncClient(
        base_url=server.urls[site], headers=episode["headers"], cookies=cookies, follow_redirects=True
    )


async def test_sites_are_named_by_the_host_under_which_others_reach_them() -> None:
    async with ArenaServer(ArenaSettings(host="127.0.0.1", public_host="localhost")) as server:
        async with httpx.AsyncClient(base_url=server.control_url) as client:
            told = (await client.post("/episodes", json={"partition": "train", "seed": 1})).json()
        assert {httpx.URL(site["url"]).host for site in told["sites"].values()} == {"localhost"}
        assert "localhost" in {cookie["domain"] for cookie in told["storage_state"]["cookies"]}


async def test_two_episodes_do_not_see_each_other(server: ArenaServer, control: httpx.AsyncClient) -> None:
    first, second = await enter(server, control, "shopping"), await enter(server, control, "shopping")
    async with first, second:
        page = await first.post("/cart/add", data={"product_id": "5", "quantity": "2"})
        assert "You added" in page.text or "in stock" in page.text
        saved = await first.post(
            "/account/edit", data={"name": "Somebody Else", "email": "a@b.test", "phone": "555-0000"}
        )
        assert "Your account was saved." in saved.text
        assert "Somebody Else" in (await first.get("/account")).text
        assert "Somebody Else" not in (await second.get("/account")).text


async def test_many_episodes_at_once_keep_their_own_state(server: ArenaServer, control: httpx.AsyncClient) -> None:
    clients = [await enter(server, control, "shopping") for _ in range(10)]

    async def rename(place: int, client: httpx.AsyncClient) -> str:
        await client.post("/account/edit", data={"name": f"Person {place}", "email": "a@b", "phone": "1"})
        return (await client.get("/account")).text

    pages = await asyncio.gather(*(rename(place, client) for place, client in enumerate(clients)))
    assert [f"Name: Person {place}<" in page for place, page in enumerate(pages)] == [True] * 10
    for client in clients:
        await client.aclose()


async def test_an_episode_not_logged_in_is_sent_to_the_sign_in_page(
    server: ArenaServer, control: httpx.AsyncClient
) -> None:
    async with await enter(server, control, "shopping", logged_in=False) as client:
        page = await client.get("/account")
        assert (page.url.path, page.url.params["next"]) == ("/login", "/account")
        account = server.worlds.get("train", 1).accounts["shopping"]
        wrong = await client.post(page.url, data={"username": account.username, "password": "no"})
        assert wrong.status_code == 422
        assert "do not match" in wrong.text
        right = await client.post(page.url, data={"username": account.username, "password": account.password})
        assert right.url.path == "/account"
        assert f"Welcome back, {account.name}." in right.text
        await client.get("/logout")
        assert (await client.get("/account")).url.path == "/login"


async def test_a_session_of_one_episode_is_worthless_in_another(
    server: ArenaServer, control: httpx.AsyncClient
) -> None:
    signed_in = await enter(server, control, "shopping")
    guest = await enter(server, control, "shopping", logged_in=False)
    async with signed_in, guest:
        guest.cookies.update(signed_in.cookies)
        assert (await guest.get("/account")).url.path == "/login"


async def test_signing_in_never_leads_off_the_site(server: ArenaServer, control: httpx.AsyncClient) -> None:
    account = server.worlds.get("train", 1).accounts["shopping"]
    async with await enter(server, control, "shopping", logged_in=False) as client:
        form = {"username": account.username, "password": account.password}
        page = await client.post("/login?next=//elsewhere.test/", data=form)
        assert str(page.url) == server.urls["shopping"] + "/"


async def test_a_request_outside_an_episode_is_told_why(server: ArenaServer, control: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=server.urls["shopping"]) as client:
        bare = await client.get("/")
        assert (bare.status_code, "carries no x-arena-episode header" in bare.text) == (404, True)
        stale = await client.get("/", headers={"x-arena-episode": "gone"})
        assert (stale.status_code, "Unknown episode" in stale.text) == (404, True)


async def test_a_dropped_episode_is_gone(server: ArenaServer, control: httpx.AsyncClient) -> None:
    async with await enter(server, control, "shopping") as client:
        token = client.headers["x-arena-episode"]
        assert (await control.delete(f"/episodes/{token}")).json() == {"dropped": True}
        assert (await control.delete(f"/episodes/{token}")).json() == {"dropped": False}
        assert (await client.get("/")).status_code == 404


async def test_script_in_what_a_customer_writes_is_shown_as_text(
    server: ArenaServer, control: httpx.AsyncClient
) -> None:
    async with await enter(server, control, "shopping") as client:
        form = {"name": "A", "email": "a@b", "message": "<script>alert(1)</script>"}
        page = await client.post("/contact", data=form)
        assert "&lt;script&gt;alert(1)" in page.text
        assert "<script>alert" not in page.text


@pytest.mark.parametrize("quantity", ["0", "-1", "1e3", "", "1000", "²"])
async def test_a_bad_quantity_is_refused_and_changes_nothing(
    server: ArenaServer, control: httpx.AsyncClient, quantity: str
) -> None:
    async with await enter(server, control, "shopping") as client:
        page = await client.post("/cart/add", data={"product_id": "1", "quantity": quantity})
        assert "Please give a quantity from 1 to 999." in page.text
        assert "Your cart is empty." in (await client.get("/cart")).text


async def test_more_than_the_stock_cannot_be_bought(server: ArenaServer, control: httpx.AsyncClient) -> None:
    product = server.worlds.get("train", 1).query("SELECT * FROM shop_products WHERE stock > 0 ORDER BY id")[0]
    async with await enter(server, control, "shopping") as client:
        form = {"product_id": str(product["id"]), "quantity": str(product["stock"] + 1)}
        assert f"only {product['stock']} of" in (await client.post("/cart/add", data=form)).text


async def test_a_suite_and_its_experts_are_handed_out(control: httpx.AsyncClient) -> None:
    suite = (await control.get("/suites/heldout-templates", params={"world_seed": 4, "count": 30})).json()
    assert (suite["partition"], suite["world_seed"], len(suite["tasks"])) == ("eval", 4, 30)
    task_id = suite["tasks"][7]["task_id"]
    where = {"split": "heldout-templates", "world_seed": 4}
    expert = (await control.get(f"/tasks/{task_id}/expert", params=where)).json()
    assert expert["moves"][-1]["kind"] == "stop"
    one = (await control.get("/suites/heldout-templates", params={"world_seed": 4, "task_id": task_id})).json()
    assert one["tasks"] == [suite["tasks"][7]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "cause"),
    [
        ("POST", "/episodes", {"partition": "prod", "seed": 1}, 400, "partition"),
        ("POST", "/episodes", {"partition": "demo"}, 400, "seed"),
        ("POST", "/episodes", {"partition": "demo", "seed": 1, "login": True}, 400, "login"),
        ("GET", "/suites/dev", None, 404, "unknown split 'dev'"),
        ("GET", "/suites/train?world_seed=x", None, 400, "world_seed is 'x'"),
        ("GET", "/suites/train?count=0", None, 400, "count is 0"),
        ("GET", "/tasks/999999/expert?split=train", None, 404, "no task 999999"),
        ("GET", "/tasks/abc/expert", None, 400, "'abc' is not a number"),
    ],
)
async def test_bad_input_names_the_cause_and_the_next_step(
    control: httpx.AsyncClient, method: str, path: str, body: dict[str, Any] | None, status: int, cause: str
) -> None:
    reply = await control.request(method, path, json=body)
    error = reply.json()["error"]
    assert reply.status_code == status
    assert cause in error["cause"]
    assert error["next_step"]


async def test_too_many_episodes_are_refused_until_one_is_dropped(control: httpx.AsyncClient) -> None:
    body = {"partition": "train", "seed": 1}
    replies = [await control.post("/episodes", json=body) for _ in range(13)]
    assert [reply.status_code for reply in replies] == [201] * 12 + [429]
    assert "MAX_EPISODES" in replies[-1].json()["error"]["next_step"]
    await control.delete(f"/episodes/{replies[0].json()['token']}")
    assert (await control.post("/episodes", json=body)).status_code == 201


async def test_a_port_in_use_is_named(server: ArenaServer) -> None:
    port = int(server.control_url.rsplit(":", 1)[1])
    with pytest.raises(PortInUse, match=str(port)):
        await ArenaServer(ArenaSettings(control_port=port)).start()


async def test_a_port_for_an_unknown_site_is_refused() -> None:
    with pytest.raises(BadInput, match="bazaar"):
        await ArenaServer(ArenaSettings(site_ports={"bazaar": 0})).start()


async def test_the_server_can_be_stopped_twice_and_frees_its_ports() -> None:
    server = ArenaServer()
    await server.start()
    port = int(server.control_url.rsplit(":", 1)[1])
    await server.stop()
    await server.stop()
    async with ArenaServer(ArenaSettings(control_port=port)) as again:
        assert again.control_url.endswith(f":{port}")
