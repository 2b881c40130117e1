"""What an observation costs, beside other ways to read the same pages: medians and 95th percentiles, interleaved.

Pages of about 40, 300 and 3,000 elements. Ratchet over gRPC and in process, a bare walk inside the page (roles, names
and boxes simplified), Playwright's aria snapshot, Chromium's own tree with a DOM snapshot, and BrowserGym with and
without its screenshot (from PyPI, in a virtual environment of its own under build/; PEERS=0 leaves it out).
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import uvicorn
from playwright.async_api import Page, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from benchmarks.peers.process import Peer
from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub, add_BrowserServiceServicer_to_server
from services.browser.adapters.chromium import ChromiumBrowser
from services.browser.registry import Registry
from services.browser.service import SERVICE, BrowserServicer
from services.browser.settings import BrowserSettings
from services.cli import checks
from services.common.rpc import Mount, dial, serve

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub

SIZES = (40, 300, 3000)
ROUNDS = int(os.environ.get("ROUNDS", "30"))
SITE = "http://bench.test"
# What every walk must at least do: a role, a name and a box for each visible element.
WALK = """(() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT);
  for (let e = walk.currentNode; e; e = walk.nextNode()) {
    const box = e.getBoundingClientRect();
    if (!box.width || !box.height) continue;
    const name = e.getAttribute('aria-label') || (e.childElementCount ? '' : e.textContent.trim()) || e.title || '';
    found.push([e.getAttribute('role') || e.localName, name, box.x, box.y, box.width, box.height]);
  }
  return JSON.stringify(found);
})()"""


class Method(NamedTuple):
    """A way to observe the page that is open."""

    name: str
    observe: Callable[[], Awaitable[object]]


def page_of(size: int) -> str:
    """A shop-like page of about `size` elements (cards of 10: links, text, a button, a labelled field)."""
    cards = "".join(
        f"<li><article><h3><a href='/p/{n}'>Product {n} of the long list</a></h3><p>Rated <b>{n % 5}.{n % 10}</b> by "
        f"{n} people</p><label for='q{n}'>Quantity</label><input id='q{n}' type='number' value='{n % 7}'>"
        f"<button aria-label='Add product {n} to the cart'>Add</button></article></li>"
        for n in range(max(1, (size - 10) // 10))
    )
    return (
        f"<!doctype html><html lang='en'><title>Page of {size}</title><body><header><a href='/'>Home</a> "
        "<nav><a href='/a'>All</a> <a href='/b'>New</a></nav></header><form><input type='search' aria-label='Search'>"
        f"<button>Go</button></form><main><h1>Results</h1><ul>{cards}</ul></main></body></html>"
    )


@asynccontextmanager
async def site(html_of: Callable[[int], str] = page_of) -> AsyncIterator[str]:
    """The pages, at /40, /300 and /3000."""

    async def page(request: Request) -> HTMLResponse:
        return HTMLResponse(html_of(int(request.path_params["size"])))

    listening = socket.create_server(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/{size:int}", page)])
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


class Room:
    """The browser room, over gRPC and by its own sessions."""

    def __init__(self, stub: BrowserServiceAsyncStub, registry: Registry, real_url: str) -> None:
        self._stub, self._registry, self._real_url = stub, registry, real_url

    async def methods(self, size: int) -> list[Method]:
        """One session on the page, asked both ways."""
        opened = await self._stub.CreateSession(
            pb.CreateSessionRequest(
                sites=[pb.Site(display_url=SITE, real_url=self._real_url)],
                start_url=f"{SITE}/{size}",
                observation_format="compact",
            )
        )
        session = self._registry.get(opened.session)
        request = pb.ObserveRequest(session=opened.session, format="compact")
        return [
            Method("ratchet, gRPC", lambda: self._stub.Observe(request)),
            Method("ratchet, in process", lambda: session.observe("compact")),
        ]


async def plain(page: Page) -> list[Method]:
    """What Playwright and the DevTools protocol offer on a page of their own."""
    cdp = await page.context.new_cdp_session(page)

    async def walk() -> object:
        return await cdp.send("Runtime.evaluate", {"expression": WALK, "returnByValue": True})

    async def tree_and_snapshot() -> object:
        tree = await cdp.send("Accessibility.getFullAXTree")
        return tree, await cdp.send("DOMSnapshot.captureSnapshot", {"computedStyles": [], "includeDOMRects": True})

    return [
        Method("bare walk in the page", walk),
        Method("Chromium's tree + DOM snapshot", tree_and_snapshot),
        Method("Playwright aria_snapshot(ai)", lambda: page.locator("body").aria_snapshot(mode="ai")),
    ]


async def measure() -> dict[int, dict[str, list[float]]]:
    """Milliseconds by size and method, in interleaved rounds."""
    taken: dict[int, dict[str, list[float]]] = {size: defaultdict(list) for size in SIZES}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(site())
        settings = BrowserSettings()
        browser = ChromiumBrowser(settings)
        registry = Registry(browser, settings)
        mount = Mount(add_BrowserServiceServicer_to_server, BrowserServicer(registry, settings), SERVICE)
        address = await stack.enter_async_context(serve([mount], "127.0.0.1:0"))
        stack.push_async_callback(registry.stop)
        channel = dial(address)
        stack.push_async_callback(channel.close)
        room = Room(BrowserServiceStub(channel), registry, url)
        playwright = await stack.enter_async_context(async_playwright())
        executable = checks.chromium()
        other = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        stack.push_async_callback(other.close)
        peer = Peer("browsergym_observe", executable) if os.environ.get("PEERS", "1") != "0" else None
        for size in SIZES:
            page = await other.new_page()
            await page.goto(f"{url}/{size}")
            methods = [*await room.methods(size), *await plain(page)]
            for number in range(ROUNDS + 2):
                for method in methods:
                    started = time.perf_counter()
                    await method.observe()
                    taken[size][method.name].append(1000 * (time.perf_counter() - started))
                if peer is not None and number % 3 == 0:  # it is slow; a third of the rounds tells enough
                    for name, screenshot in (("BrowserGym", True), ("BrowserGym, no screenshot", False)):
                        answer = await asyncio.to_thread(peer.ask, url=f"{url}/{size}", screenshot=screenshot)
                        taken[size][name].append(float(answer["ms"]))
                print(f"\r{size} elements: round {number + 1} of {ROUNDS + 2} ", end="", file=sys.stderr, flush=True)
            await page.close()
        if peer is not None:
            await asyncio.to_thread(peer.close)
    print(file=sys.stderr)
    # The first rounds warm the caches of every method alike.
    return {size: {name: values[1:] for name, values in by.items()} for size, by in taken.items()}


def main() -> None:
    """Print the table and write build/bench/observe.json."""
    taken = asyncio.run(measure())
    medians = {size: {name: statistics.median(values) for name, values in by.items()} for size, by in taken.items()}
    print(f"{'milliseconds, median (95th percentile)':<40}" + "".join(f"{size:>18}" for size in SIZES))
    for name in taken[SIZES[0]]:
        cells = (
            f"{medians[size][name]:.1f} ({statistics.quantiles(taken[size][name], n=20)[-1]:.1f})" for size in SIZES
        )
        print(f"{name:<40}" + "".join(f"{cell:>18}" for cell in cells))
    ratios: dict[str, Any] = {}
    for size in SIZES:
        ours, walk = medians[size]["ratchet, gRPC"], medians[size]["bare walk in the page"]
        ratios[f"ratchet_over_walk_{size}"] = round(ours / walk, 2)
        if "BrowserGym, no screenshot" in medians[size]:
            ratios[f"browsergym_over_ratchet_{size}"] = round(medians[size]["BrowserGym, no screenshot"] / ours, 1)
    for name, ratio in ratios.items():
        print(f"{name:<40}{ratio:>18}")
    path = Path("build/bench/observe.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    result = {"name": "observe", "rounds": ROUNDS, "cores": os.cpu_count(), "medians_ms": medians, "ratios": ratios}
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
