"""Hosted sites: replicas that are leased and reset, and sign-in by the site's own form, against real small sites."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from benchmarks.websites import serving
from services.rollout.adapters.replicas import Leases
from services.rollout.adapters.sites import SitesEnvironment
from services.rollout.ports import EnvironmentFailed
from services.rollout.settings import Login, Replica

SHOP, FORUM = "http://shop.example:7770", "http://forum.example:9999"
SITES = {"__SHOPPING__": SHOP, "__REDDIT__": FORUM}
TASK = {"task_id": 1, "sites": ["shopping"], "require_login": True, "storage_state": None, "intent": "x"}


class Site:
    """A site with a form, an account page, something that changes, and a reset hook."""

    def __init__(self) -> None:
        self.num_changes = self.num_resets = 0
        self.broken = False
        self.action = "/login"
        self._tokens: set[str] = set()
        self._sessions: set[str] = set()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/login", self._form),
                Route("/login", self._login, methods=["POST"]),
                Route("/account", self._account),
                Route("/change", self._change, methods=["POST"]),
                Route("/reset", self._reset, methods=["POST"]),
            ]
        )

    async def _form(self, request: Request) -> Response:
        token = secrets.token_hex(8)
        self._tokens.add(token)
        return HTMLResponse(
            f"""<form action="/search"><input name="q"></form><form action="{self.action}" method="POST">
            <input type="hidden" name="csrf" value="{token}"><input name="user" value="">
            <input type="password" name="pass">
            <input type="checkbox" name="stay" value="1"><button name="go">Sign in</button></form>"""
        )

    async def _login(self, request: Request) -> Response:
        sent = await request.form()
        assert set(sent) == {"csrf", "user", "pass"}
        assert sent["csrf"] in self._tokens
        if (sent["user"], sent["pass"]) != ("emma", "right"):
            return await self._form(request)
        session = secrets.token_hex(8)
        self._sessions.add(session)
        reply = RedirectResponse("/account", status_code=302)
        reply.set_cookie("session", session, httponly=True)
        return reply

    async def _account(self, request: Request) -> Response:
        known = request.cookies.get("session") in self._sessions
        return PlainTextResponse("Emma's account" if known else "who?", status_code=200 if known else 403)

    async def _change(self, request: Request) -> Response:
        self.num_changes += 1
        return PlainTextResponse("changed")

    async def _reset(self, request: Request) -> Response:
        if self.broken:
            return PlainTextResponse("no", status_code=503)
        self.num_changes, self.num_resets = 0, self.num_resets + 1
        return PlainTextResponse("as new")


@pytest.fixture
async def pair() -> AsyncIterator[list[tuple[Site, str]]]:
    first, second = Site(), Site()
    async with serving(first.app()) as one, serving(second.app()) as two:
        yield [(first, one), (second, two)]


@pytest.fixture
async def opened(pair) -> AsyncIterator[object]:
    """opened(replicas=2, **login fields) gives an environment over that many replicas of the shop."""
    made: list[Leases] = []

    def environment(num_replicas: int = 2, wait_s: float = 30.0, password: str = "right", **login) -> SitesEnvironment:
        replicas = [Replica(site=SHOP + "/", url=url, reset=f"{url}/reset") for _, url in pair[:num_replicas]]
        made.append(Leases(replicas, wait_s, 10.0))
        fields = {"page": "/login", "form": {"user": "emma", "pass": password}, **login}
        return SitesEnvironment(SITES, "", made[-1], [Login(site=SHOP, **fields)])

    yield environment
    for leases in made:
        await leases.close()


async def test_episodes_have_a_replica_each_and_the_third_waits_for_a_reset_one(opened, pair) -> None:
    environment = opened()
    first, second = await environment.open("", TASK), await environment.open("", TASK)
    assert {first.sites[SHOP], second.sites[SHOP]} == {url for _, url in pair}
    third = asyncio.create_task(environment.open("", TASK))
    async with httpx.AsyncClient() as http:
        await http.post(first.sites[SHOP] + "/change")
        assert not third.done()
        await environment.close(first)
        found = await third
        used = next(site for site, url in pair if url == first.sites[SHOP])
        assert (found.sites[SHOP], used.num_changes, used.num_resets) == (first.sites[SHOP], 0, 1)


async def test_a_site_with_replicas_is_out_of_reach_of_tasks_that_do_not_name_it(opened) -> None:
    world = await opened().open("", TASK | {"sites": ["reddit"], "require_login": False})
    assert (world.sites, world.placeholders) == ({FORUM: FORUM}, {"__REDDIT__": FORUM})


async def test_a_replica_whose_reset_fails_is_not_handed_out_until_one_succeeds(opened, pair) -> None:
    environment = opened(num_replicas=1)
    site = pair[0][0]
    world = await environment.open("", TASK)
    site.broken = True
    await environment.close(world)
    waiting = asyncio.create_task(environment.open("", TASK))
    await asyncio.sleep(0)
    assert not waiting.done()
    site.broken = False
    assert (await waiting).sites[SHOP] == pair[0][1]
    assert site.num_resets == 1


async def test_who_waits_too_long_is_told_for_which_site(opened) -> None:
    environment = opened(num_replicas=1, wait_s=0.1)
    await environment.open("", TASK)
    with pytest.raises(EnvironmentFailed, match=r"no replica of http://shop\.example:7770 came free in 0\.1 s"):
        await environment.open("", TASK)


async def test_a_failed_sign_in_gives_the_replica_back(opened, pair) -> None:
    environment = opened(num_replicas=1, password="wrong")
    with pytest.raises(EnvironmentFailed, match="shows its sign-in form again") as refused:
        await environment.open("", TASK)
    assert "wrong" not in refused.value.message
    assert (await environment.open("", TASK | {"require_login": False})).sites[SHOP] == pair[0][1]


async def test_the_cookies_of_a_scripted_login_open_the_account(opened) -> None:
    world = await opened().open("", TASK)
    cookies = json.loads(world.storage_state_json)["cookies"]
    assert [(cookie["name"], cookie["domain"], cookie["httpOnly"]) for cookie in cookies] == [
        ("session", "127.0.0.1", True)
    ]
    async with httpx.AsyncClient(cookies={cookies[0]["name"]: cookies[0]["value"]}) as http:
        assert (await http.get(world.sites[SHOP] + "/account")).text == "Emma's account"


@pytest.mark.parametrize(
    ("login", "cause"),
    [
        ({"form": {"email": "emma"}}, "no form with the fields email"),
        ({"page": "/nowhere"}, "404"),
    ],
)
async def test_a_login_that_does_not_fit_the_page_is_named(opened, login, cause) -> None:
    with pytest.raises(EnvironmentFailed, match=cause):
        await opened(**login).open("", TASK)


async def test_a_form_that_leads_to_another_site_gets_nothing(opened, pair) -> None:
    for site, _ in pair:
        site.action = "http://elsewhere.invalid/login"
    with pytest.raises(EnvironmentFailed, match="leads to another site; nothing was sent"):
        await opened().open("", TASK)
