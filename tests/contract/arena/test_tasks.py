"""Tasks in a real Chromium: no check passes on the untouched world, and experts get through.

That every expert solves every task is shown in the end-to-end tests, through the project's own browser room.
"""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest
from playwright.async_api import Browser, async_playwright

from services.arena import suite
from services.arena.server import ArenaServer
from services.arena.sites import SITES, TEMPLATES
from services.arena.task import Task

MAX_CONTROLS = 45
MAX_CHARACTERS = 1800


def _rehearsal() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rehearsal", Path(__file__).with_name("rehearsal.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rehearsal = _rehearsal()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await rehearsal.launch(playwright)
        yield launched
        await launched.close()


@pytest.fixture
async def server() -> AsyncIterator[ArenaServer]:
    async with ArenaServer() as running:
        yield running


def _one_of_each(server: ArenaServer, held_out: bool) -> list[Task]:
    """Of every template the first possible task, and the first impossible one if there is one."""
    world = server.worlds.get("eval", 1)
    chosen: dict[tuple[int, bool], Task] = {}
    for template in TEMPLATES.values():
        if template.held_out == held_out:
            for task in suite.instances(world, template):
                chosen.setdefault((template.id, task.impossible), task)
    return list(chosen.values())


@pytest.mark.parametrize("held_out", [False, True])
async def test_the_answer_na_alone_solves_exactly_the_impossible_tasks(
    server: ArenaServer, browser: Browser, held_out: bool
) -> None:
    wrong = []
    async with (
        rehearsal.visit(browser, server, "eval", 1) as member,
        rehearsal.visit(browser, server, "eval", 1, signed_in=False) as guest,
    ):
        for task in _one_of_each(server, held_out):
            try:
                page = member if task.template.signed_in else guest
                wanted = task.webarena()
                if wanted["eval"]["eval_types"] != ["string_match"]:
                    await page.goto(rehearsal.resolve(wanted["start_url"], server.urls))
                await rehearsal.judge(page, wanted["eval"], "N/A", server.urls)
                solved = True
            except rehearsal.Mismatch:
                solved = False
            if solved != task.impossible:
                wrong.append((task.id, task.intent))
    assert wrong == []


@pytest.mark.parametrize("folder", [site.folder for site in SITES.values()])
async def test_an_expert_of_every_kind_of_check_gets_through(
    server: ArenaServer, browser: Browser, folder: str
) -> None:
    key = next(site.key for site in SITES.values() if site.folder == folder)
    by_kind: dict[tuple[str, ...], Task] = {}
    for held_out in (False, True):
        for task in _one_of_each(server, held_out):
            if task.template.sites[0] == key:
                by_kind.setdefault((str(task.impossible), *sorted({check.kind for check in task.draft.checks})), task)
    assert len(by_kind) >= 2
    for task in by_kind.values():
        async with rehearsal.visit(browser, server, "eval", 1, signed_in=task.template.signed_in) as page:
            await rehearsal.rehearse(page, server, task, task.expert())


async def test_start_pages_are_small_enough_for_a_small_model(server: ArenaServer, browser: Browser) -> None:
    large = []
    async with rehearsal.visit(browser, server, "eval", 1) as page:
        starts = {task.webarena()["start_url"] for held in (False, True) for task in _one_of_each(server, held)}
        for url in sorted(starts):
            await page.goto(rehearsal.resolve(url, server.urls))
            controls = await page.locator("a, button, input:not([type=hidden]), textarea").count()
            characters = len(await page.locator("body").inner_text())
            if controls > MAX_CONTROLS or characters > MAX_CHARACTERS:
                large.append((url, controls, characters))
    assert large == []
