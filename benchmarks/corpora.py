"""The pages that benchmarks of reading read: the arena signed in, MiniWoB++, generated ones.

Invariant: visiting is reading only; the same seed visits the same pages.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

from benchmarks import hard_pages
from services.arena import suite
from services.arena.app import EPISODE_HEADER
from services.arena.control import storage_state
from services.arena.server import ArenaServer
from services.arena.site import ADDRESSES
from services.arena.sites import TEMPLATES

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, StorageState

T = TypeVar("T")
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Pages of a site whose addresses differ in numbers and names only are of one kind: so many of each are read.
_NUM_OF_KIND = 2
_SEEDED = "Math.seedrandom && Math.seedrandom('7');"


async def each(visit: Callable[[AsyncIterator[tuple[str, Page]]], Awaitable[T]]) -> dict[str, T]:
    """What `visit` makes of the pages of each corpus, by name.

    In the environment: CORPUS (names), ARENA_PAGES (per site), HARD_PAGES and SEED.
    """
    from playwright.async_api import async_playwright

    wanted = os.environ.get("CORPUS", "arena,miniwob,generated").split(",")
    executable = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
    found: dict[str, T] = {}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        if "arena" in wanted:
            async with ArenaServer() as server:
                found["arena"] = await visit(arena(browser, server, int(os.environ.get("ARENA_PAGES", "16"))))
        if "miniwob" in wanted and (files := miniwob_files()):
            found["miniwob"] = await visit(miniwob(browser, files))
        if "generated" in wanted:
            number, seed = int(os.environ.get("HARD_PAGES", "150")), int(os.environ.get("SEED", "0"))
            found["generated"] = await visit(generated(browser, number, seed))
        await browser.close()
    return found


async def arena(browser: Browser, server: ArenaServer, num_per_site: int) -> AsyncIterator[tuple[str, Page]]:
    """Pages of every site: where tasks start, then whatever these lead to."""
    world = server.worlds.get("eval", 1)
    token = server.registry.create(world)
    state: StorageState = storage_state(server.registry.get(token), server.urls)  # type: ignore[assignment]
    context = await browser.new_context(
        extra_http_headers={EPISODE_HEADER: token},
        storage_state=state,
        locale="en-US",
        timezone_id="UTC",
        reduced_motion="reduce",
        viewport={"width": 1280, "height": 720},
    )
    page = await context.new_page()
    drafts = [task for template in TEMPLATES.values() for task in suite.instances(world, template)[:1]]
    starts = [str(task.webarena()["start_url"]) for task in drafts]
    for key, address in ADDRESSES.items():
        base = server.urls.get(key)
        if base is None:
            continue
        begin = sorted({url.replace(address.placeholder, base) for url in starts if address.placeholder in url})
        queue = [f"{base}/", *begin]
        seen: set[str] = set()
        kinds: dict[str, int] = {}
        num = 0
        while queue and num < num_per_site:
            url = queue.pop(0).split("#")[0]
            kind = (
                re.sub(r"[^/?&=]*\d[^/?&=]*", "N", urlsplit(url).path)
                + "?"
                + re.sub(r"=[^&]*", "", urlsplit(url).query)
            )
            if url in seen or "logout" in url or kinds.get(kind, 0) >= _NUM_OF_KIND:
                continue
            seen.add(url)
            kinds[kind] = kinds.get(kind, 0) + 1
            answer = await page.goto(url)
            if answer is None or answer.status >= 400:
                continue
            num += 1
            yield url.replace(base, key), page
            links = await page.eval_on_selector_all("a[href]", "found => found.map(a => a.href)")
            queue += [link for link in (urljoin(url, link) for link in links) if link.startswith(f"{base}/")]
    await context.close()


def miniwob_files() -> list[Path]:
    """The HTML of the PyPI package `miniwob`; none where it is not installed."""
    spec = importlib.util.find_spec("miniwob")
    if spec is None or spec.origin is None:
        return []
    return sorted((Path(spec.origin).parent / "html" / "miniwob").glob("*.html"))


async def miniwob(browser: Browser, files: list[Path]) -> AsyncIterator[tuple[str, Page]]:
    """Every task's page, begun with a fixed seed."""
    page = await browser.new_page(viewport={"width": 1280, "height": 720})
    for path in files:
        await page.goto(path.as_uri())
        await page.evaluate(
            f"() => {{ {_SEEDED} try {{ core.EPISODE_MAX_TIME = 1e7; core.startEpisodeReal(); }} catch (e) {{}} }}"
        )
        yield path.stem, page
    await page.close()


async def generated(browser: Browser, num: int, seed: int) -> AsyncIterator[tuple[str, Page]]:
    """Pages of hard cases."""
    page = await browser.new_page(viewport={"width": 1280, "height": 720})
    for name, html in hard_pages.pages(num, seed):
        await page.goto("about:blank")
        await page.set_content(html, wait_until="load")
        yield name, page
    await page.close()
