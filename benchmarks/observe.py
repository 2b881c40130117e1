"""What an observation costs, beside other ways to read the same pages: medians and 95th percentiles, interleaved.

Pages of about 40, 300 and 3,000 elements. Ratchet in process and over gRPC, on one stream, as the rollout reads,
and in a call each; a bare walk inside the page (roles, names and boxes simplified) and Chromium's own tree with a
DOM snapshot, each through Playwright and over a plain WebSocket; Playwright's aria snapshot; BrowserGym with and
without its screenshot (from PyPI, in a virtual environment of its own under build/; PEERS=0 leaves it out). The
ratios are of `compact` on the stream to the walk over the WebSocket, and of BrowserGym without a screenshot to
`compact` on the stream.
"""

from __future__ import annotations

import asyncio
import os
import random
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.async_api import Browser, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from benchmarks import results
from benchmarks.peers.process import Peer
from benchmarks.rooms import browser_room
from benchmarks.websites import serving
from ratchet.browser.v1 import browser_service_pb2 as pb
from services.browser import openings
from services.browser.adapters.chromium import ChromiumBrowser
from services.browser.ports import ContextOptions
from services.browser.registry import Registry
from services.browser.settings import BrowserSettings
from services.cli import checks
from services.common import rpc

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub

SIZES = (40, 300, 3000)
ROUNDS = int(os.environ.get("ROUNDS", "30"))
SITE = "http://bench.test"
OURS, PEER = "Ratchet compact, gRPC stream", "BrowserGym, no screenshot"
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

    async with serving(Starlette(routes=[Route("/{size:int}", page)])) as url:
        yield url


async def ours(stub: BrowserServiceAsyncStub, registry: Registry, real_url: str, size: int) -> list[Method]:
    """One session on the page over gRPC, in a process of its own, and one in this process."""
    opening = pb.CreateSessionRequest(
        sites=[pb.Site(display_url=SITE, real_url=real_url)],
        start_url=f"{SITE}/{size}",
        observation_format="compact",
    )
    name = (await stub.CreateSession(opening)).session
    session = await registry.open("", openings.read(opening, BrowserSettings()))
    compact = pb.ObserveRequest(session=name, format="compact")
    webarena = pb.ObserveRequest(session=name, format="webarena-axtree")
    interaction = rpc.Conversation(stub.Interact)
    return [
        Method(OURS, lambda: interaction.ask(pb.InteractRequest(observe=compact))),
        Method("Ratchet compact, gRPC, a call each", lambda: stub.Observe(compact)),
        Method("Ratchet compact, in process", lambda: session.observe("compact")),
        Method("Ratchet webarena-axtree, gRPC stream", lambda: interaction.ask(pb.InteractRequest(observe=webarena))),
    ]


def asked(send: Callable[[str, dict[str, Any]], Awaitable[object]], by: str) -> list[Method]:
    """What the DevTools protocol offers, by some way to send commands."""

    async def walk() -> object:
        return await send("Runtime.evaluate", {"expression": WALK, "returnByValue": True})

    async def tree_and_snapshot() -> object:
        tree = await send("Accessibility.getFullAXTree", {})
        return tree, await send("DOMSnapshot.captureSnapshot", {"computedStyles": [], "includeDOMRects": True})

    return [
        Method(f"bare walk, {by}", walk),
        Method(f"Chromium's tree + snapshot, {by}", tree_and_snapshot),
    ]


@asynccontextmanager
async def plain(browser: ChromiumBrowser, playwright: Browser, url: str) -> AsyncIterator[list[Method]]:
    """The same page read by other means: our WebSocket without our reader, and Playwright."""
    context = await browser.open(ContextOptions(origins=(url.rpartition("/")[0],)))
    await context.front.load(url)
    page = await playwright.new_page()
    await page.goto(url)
    cdp = await page.context.new_cdp_session(page)
    yield [
        *asked(context.front.send, "WebSocket"),
        *asked(cdp.send, "Playwright"),
        Method("Playwright aria_snapshot(ai)", lambda: page.locator("body").aria_snapshot(mode="ai")),
    ]
    await page.close()
    await context.close()


async def measure() -> dict[int, dict[str, list[float]]]:
    """Milliseconds by size and method, in interleaved rounds."""
    taken: dict[int, dict[str, list[float]]] = {size: defaultdict(list) for size in SIZES}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(site())
        settings = BrowserSettings()
        browser = ChromiumBrowser(settings)
        registry = Registry(browser, settings)
        stack.push_async_callback(registry.stop)
        stub, _ = await stack.enter_async_context(browser_room())
        playwright = await stack.enter_async_context(async_playwright())
        executable = checks.chromium()
        other = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        stack.push_async_callback(other.close)
        peer = Peer("browsergym_observe", executable) if os.environ.get("PEERS", "1") != "0" else None
        for size in SIZES:
            async with plain(browser, other, f"{url}/{size}") as others:
                await interleave([*await ours(stub, registry, url, size), *others], peer, f"{url}/{size}", taken[size])
            print(f"{size} elements: {ROUNDS} rounds", file=sys.stderr)
        if peer is not None:
            await asyncio.to_thread(peer.close)
    # The first rounds warm the caches of every method alike.
    return {size: {name: values[1:] for name, values in by.items()} for size, by in taken.items()}


async def interleave(methods: list[Method], peer: Peer | None, url: str, taken: dict[str, list[float]]) -> None:
    """Every method once a round, in another order each; the peer, which is slow, in a third of them."""
    order = random.Random(0)
    for number in range(ROUNDS + 2):
        # What comes first finds caches cold that it warms for the rest.
        for method in order.sample(methods, len(methods)):
            started = time.perf_counter()
            await method.observe()
            taken[method.name].append(1000 * (time.perf_counter() - started))
        if peer is not None and number % 3 == 0:
            for name, screenshot in (("BrowserGym", True), (PEER, False)):
                answer = await asyncio.to_thread(peer.ask, url=url, screenshot=screenshot)
                taken[name].append(float(answer["ms"]))


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
        ours = medians[size][OURS]
        ratios[f"ratchet_over_walk_{size}"] = round(ours / medians[size]["bare walk, WebSocket"], 2)
        if PEER in medians[size]:
            ratios[f"browsergym_over_ratchet_{size}"] = round(medians[size][PEER] / ours, 1)
    for name, ratio in ratios.items():
        print(f"{name:<40}{ratio:>18}")
    results.write("observe", {"rounds": ROUNDS, "medians_ms": medians, "ratios": ratios})


if __name__ == "__main__":
    main()
