"""What we read of a page is what Chromium's own accessibility tree says; `make bench NAME=fidelity` reads many more."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from benchmarks import corpora
from benchmarks.chromium_tree import Comparison
from benchmarks.corpora import CHROMIUMS
from benchmarks.fidelity import measure
from services.arena.server import ArenaServer

# 0.995 is what was asked for; what is left differs for a few reasons that are known, and a slip shows here.
WANTED = 0.999

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        # The system's Chromium if there is one, else the one that Playwright installed.
        found = next((path for path in map(shutil.which, CHROMIUMS) if path), None)
        browser = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        await browser.close()


def differences(found: Comparison) -> str:
    return "\n".join(f"{count} {kind}: {found.examples[kind]}" for kind, count in found.kinds.most_common(10))


async def test_pages_of_every_site_read_as_chromium_reads_them(chromium: Browser) -> None:
    async with ArenaServer() as server:
        found = await measure(corpora.arena(chromium, server, 3))
    assert found.num_pages == 15
    assert found.share >= WANTED, differences(found)


async def test_hard_cases_read_as_chromium_reads_them(chromium: Browser) -> None:
    found = await measure(corpora.generated(chromium, 25, seed=7))
    assert found.num_pages == 25
    assert found.num_lines > 1000
    assert found.share >= WANTED, differences(found)


async def test_pages_of_miniwob_read_as_chromium_reads_them(chromium: Browser) -> None:
    files = corpora.miniwob_files()
    assert len(files) > 100
    found = await measure(corpora.miniwob(chromium, files))
    # One moves all the time.
    assert found.num_pages >= len(files) - 2
    assert found.share >= WANTED, differences(found)
