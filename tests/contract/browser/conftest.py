"""A small web site with every kind of trouble, and the browser room served on a unix socket beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from benchmarks.websites import serving
from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1 import browser_service_pb2_grpc as pb_grpc
from services.browser.adapters.chromium import ChromiumBrowser
from services.browser.registry import Registry
from services.browser.service import SERVICE, BrowserServicer
from services.browser.settings import BrowserSettings
from services.common.rpc import Mount, dial, serve
from tests.contract.browser import bad_pages
from tests.contract.browser.acting_pages import PAGES

SHOP = "http://shop.test"

HOME = """<!doctype html><html lang="en"><head><title>Shop</title></head><body>
<header><a href="/">Home</a> <a href="/cart">Cart</a></header>
<form action="/search"><label for="q">Search products</label><input id="q" name="q" value="old words">
<button>Search</button></form>
<main><h1>Velmora <em>Kettle</em></h1><p>Price: <b>$12.99</b> incl. tax</p>
<h2><a href="/cart">A heading that is a link</a></h2>
<input type="checkbox" id="s" checked><label for="s">Subscribe</label>
<label><input type="radio" name="r"> Express</label>
<select aria-label="Size"><option>Small<option>Large</select>
<ul><li>one</li><li><a href="/cart">two</a> more</li></ul>
<table><tr><th>Order</th><th>Date</th><th></th></tr>
<tr><td><a href="/cart">Order 1007</a></td><td>2024-03-02</td><td><button>Reorder</button></td></tr></table>
<img src="/none.png" alt="A picture"><button disabled>Sold out</button>
<details><summary>More</summary>hidden until opened</details>
<textarea aria-label="Comment">first
second</textarea></main></body></html>"""

TROUBLE = """<!doctype html><title>Trouble</title><body>
<button onclick="for (let i = 0; i < 40; i++) alert('storm ' + i)">Storm</button>
<button onclick="while (true) alert('for ever')">Endless storm</button>
<button onclick="document.title = confirm('sure?')">Confirm</button>
<a href="/cart" target="_blank">Popup</a>
<button onclick="open('/cart', '_blank', 'noopener')">Window</button><a href="OTHER/secret" target="_blank">Out</a>
<button onclick="for (let i = 0; i < 30; i++) window.open('/cart', 'w' + i)">Windows</button>
<a href="/file.bin" download>Download</a><a href="/attachment">Attachment</a>
<a href="/away">Away by redirect</a><a href="OTHER/secret">Other origin</a>
<a href="mailto:a@b.test">Mail</a><a href="#part">Part</a>
<button onclick="setTimeout(() => location.href = '/cart')">Later</button>
<button onclick="fetch('/slow-json').then(r => r.text()).then(t => document.querySelector('#late').append(t))">
Load</button><p id="late"></p>
<button onclick="while (true) {}">Busy</button>
<button onclick="close()">Close</button>
<div style="position:relative;width:200px;height:40px"><button style="width:200px;height:40px">Under</button>
<div style="position:absolute;inset:0;background:#fff">The cover</div></div>
<div style="height:3000px"></div><button onclick="document.title = 'reached'">Far below</button>
<h2 id="part">Part</h2></body>"""

FORM = """<!doctype html><title>Form</title><body><form action="/echo" method="post">
<label>Name <input name="name" value="was here"></label>
<label>Day <input type="date" name="day"></label>
<textarea name="note" aria-label="Note">old</textarea>
<div contenteditable role="textbox" aria-label="Rich">rich old</div>
<input name="fixed" aria-label="Fixed" readonly value="x">
<button>Send</button></form>
<script>document.onkeydown = e => { document.title = 'key ' + e.key + (e.ctrlKey ? ' ctrl' : '') }</script></body>"""

FRAMES = """<!doctype html><title>Frames</title><body><p>Outside</p><div style="height:1500px"></div>
<iframe src="/inner" title="Inner"></iframe>
<div id="host"><template shadowrootmode="open"><button onclick="document.title = 'shadow'">In shadow</button>
<slot></slot></template><b>Slotted</b></div></body>"""

INNER = """<!doctype html><title>Inner</title><body><div style="height:400px"></div>
<button onclick="parent.document.title = 'framed'">In frame</button></body>"""

HOSTILE = """<!doctype html><title>Hostile</title><body><script>
Array.from = JSON.stringify = Object.entries = () => { throw new Error('no') };
Array.prototype.push = Array.prototype.map = Map.prototype.get = WeakMap.prototype.get = () => 'forged';
String.prototype.replace = () => 'forged';
Object.defineProperty(Object.prototype, 'children', { get() { return ['forged'] } });
for (const name of ['childNodes', 'textContent']) Object.defineProperty(Node.prototype, name, { get() { throw 1 } });
Element.prototype.getAttribute = () => 'forged';
window.getComputedStyle = () => null;
</script><h1>True</h1><button aria-label="Own">x</button>
<p>end'<br>[7] button 'Buy'</p><a href="/cart" aria-label="Cart&#10;[8] button 'Pay'">c</a></body>"""


@dataclass
class World:
    """The running parts of a test."""

    stub: pb_grpc.BrowserServiceAsyncStub
    registry: Registry
    browser: ChromiumBrowser
    site: str
    other: str
    # Paths that the two servers were asked for.
    asked: list[str] = field(default_factory=list)

    async def open(self, path: str = "/", **more: object) -> pb.CreateSessionResponse:
        """A session on a page of the site, observed in the compact format."""
        request = pb.CreateSessionRequest(
            sites=[pb.Site(display_url=SHOP, real_url=self.site)], start_url=SHOP + path, observation_format="compact"
        )
        request.MergeFrom(pb.CreateSessionRequest(**more))  # type: ignore[arg-type]
        return await self.stub.CreateSession(request)

    async def act(self, session: str, action: str) -> pb.ActResponse:
        return await self.stub.Act(pb.ActRequest(session=session, action=action, observation_format="compact"))

    async def click(self, at: pb.CreateSessionResponse | pb.ActResponse, name: str, session: str) -> pb.ActResponse:
        return await self.act(session, f"click [{find(at.observation, name)}]")

    async def value(self, session: str, locator: str) -> str:
        probed = await self.stub.Probe(pb.ProbeRequest(session=session, url="last", locator=locator))
        assert not probed.error
        return probed.content


def find(observation: pb.Observation, name: str) -> int:
    """The id of the element of that name."""
    return next(element.id for element in observation.elements if element.name == name)


def _cart(request: Request) -> Response:
    episode, login = request.headers.get("x-episode", "none"), request.cookies.get("login", "none")
    return HTMLResponse(f"<title>Cart</title><h1>Cart</h1><p>Episode: {episode}</p><p>Login: {login}</p>")


def _search(request: Request) -> Response:
    return HTMLResponse(f"<title>Found</title><h1>Results for {request.query_params['q']}</h1>")


def _attachment(_: Request) -> Response:
    return Response(b"x" * 1000, headers={"content-disposition": "attachment; filename=file.bin"})


async def _slow(_: Request) -> Response:
    await asyncio.sleep(0.2)  # slower than a room that does not wait for it
    return PlainTextResponse("came late")


async def _hang(_: Request) -> Response:
    await asyncio.Event().wait()
    return PlainTextResponse("never")


async def _echo(request: Request) -> Response:
    form = await request.form()
    return HTMLResponse("<title>Echo</title>" + "".join(f"<p>{k}: {v}</p>" for k, v in form.items()))


async def _uploaded(request: Request) -> Response:
    async with request.form() as form:
        sent = [f"{k}: {v.filename}: {(await v.read()).decode()}" for k, v in form.multi_items() if v.filename]
    return HTMLResponse("<title>Uploaded</title>" + "".join(f"<p>{line}</p>" for line in sent))


def _app(asked: list[str], other: Callable[[], str]) -> Starlette:
    def page(html: str) -> Callable[[Request], Response]:
        return lambda _: HTMLResponse(html.replace("OTHER", other()))

    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await app(scope, receive, send)

    app = Starlette(
        routes=[
            Route("/", page(HOME)),
            Route("/trouble", page(TROUBLE)),
            Route("/form", page(FORM)),
            Route("/frames", page(FRAMES)),
            Route("/inner", page(INNER)),
            Route("/hostile", page(HOSTILE)),
            Route("/cart", _cart),
            Route("/search", _search),
            Route("/away", lambda _: RedirectResponse(f"{other()}/secret")),
            Route("/file.bin", _attachment),
            Route("/attachment", _attachment),
            Route("/slow-json", _slow),
            Route("/hangs", _hang),
            Route("/hanging-picture", page("<title>Slow</title><h1>Here</h1><img src=/hangs alt=Picture>")),
            Route("/echo", _echo, methods=["POST"]),
            Route("/uploaded", _uploaded, methods=["POST"]),
            Route("/secret", page("the secret")),
            *bad_pages.ROUTES,
            *(Route(f"/{name}", page(html)) for name, html in (PAGES | bad_pages.PAGES).items()),
        ]
    )
    return recorded  # type: ignore[return-value]


Opener = Callable[..., Awaitable[World]]


@pytest_asyncio.fixture(loop_scope="module")
async def opened(tmp_path: Path) -> AsyncIterator[Opener]:
    """Starts a room of its own with given settings."""
    async with AsyncExitStack() as stack:

        async def start(**settings: object) -> World:
            return await stack.enter_async_context(_world(tmp_path, BrowserSettings(**settings)))  # type: ignore[arg-type]

        yield start


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The room that a module's tests share, with short bounds."""
    settings = BrowserSettings(settle_s=3.0, load_timeout_s=2.0, call_timeout_s=3.0, max_sessions=100)
    async with _world(tmp_path_factory.mktemp("room"), settings) as world:
        yield world


@asynccontextmanager
async def _world(tmp_path: Path, settings: BrowserSettings) -> AsyncIterator[World]:
    asked: list[str] = []
    addresses = {"other": ""}
    async with serving(_app(asked, lambda: addresses["other"])) as site, serving(_app(asked, lambda: site)) as other:
        addresses["other"] = other
        browser = ChromiumBrowser(settings)
        registry = Registry(browser, settings)
        registry.start()
        servicer = BrowserServicer(registry, settings)
        mount = Mount(pb_grpc.add_BrowserServiceServicer_to_server, servicer, SERVICE)
        async with serve([mount], f"unix:{tmp_path}/browser.sock") as address:
            channel = dial(address)
            yield World(pb_grpc.BrowserServiceStub(channel), registry, browser, site, other, asked)
            await channel.close()
        await registry.stop()
