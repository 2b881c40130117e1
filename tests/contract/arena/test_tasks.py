"""Pages in a real Chromium as a small model meets them.

That every expert solves its task, and `stop [N/A]` only the impossible ones, is shown in tests/e2e/test_suites.py.
"""

from __future__ import annotations

import shutil

from playwright.async_api import async_playwright

from services.arena import suite
from services.arena.app import EPISODE_HEADER
from services.arena.control import storage_state
from services.arena.server import ArenaServer
from services.arena.site import ADDRESSES
from services.arena.sites import TEMPLATES

MAX_CONTROLS = 45
MAX_CHARACTERS = 1800
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


async def test_start_pages_are_small_enough_for_a_small_model() -> None:
    async with ArenaServer() as server, async_playwright() as playwright:
        world = server.worlds.get("eval", 1)
        token = server.registry.create(world)
        # The system's Chromium if there is one, else the one that Playwright installed.
        found = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        context = await browser.new_context(
            extra_http_headers={EPISODE_HEADER: token},
            storage_state=storage_state(server.registry.get(token), server.urls),
        )
        page = await context.new_page()
        drafts = (suite.instances(world, template)[:1] for template in TEMPLATES.values())
        starts = {task.webarena()["start_url"] for tasks in drafts for task in tasks}
        assert len(starts) >= len(ADDRESSES)
        large = []
        for url in sorted(starts):
            key = next(key for key, address in ADDRESSES.items() if address.placeholder in url)
            await page.goto(url.replace(ADDRESSES[key].placeholder, server.urls[key]))
            controls = await page.locator("a, button, input:not([type=hidden]), textarea").count()
            characters = len(await page.locator("body").inner_text())
            if controls > MAX_CONTROLS or characters > MAX_CHARACTERS:
                large.append((url, controls, characters))
        await browser.close()
    assert large == []
