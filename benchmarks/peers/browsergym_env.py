"""BrowserGym's environment on a page and a Chromium of ours, with every delay of its own at zero.

Runs on an interpreter that has browsergym-core, without anything of Ratchet's.
"""

from __future__ import annotations

import functools
import logging

import playwright.sync_api
from browsergym.core.env import BrowserEnv
from browsergym.core.task import AbstractBrowserTask


class OpenPage(AbstractBrowserTask):
    """A task that is a page and nothing else."""

    def __init__(self, seed: int, url: str = "about:blank") -> None:
        super().__init__(seed)
        self.url = url

    @classmethod
    def get_task_id(cls) -> str:
        return "open-page"

    def setup(self, page: playwright.sync_api.Page) -> tuple[str, dict[str, object]]:
        page.goto(self.url)
        return "look", {}

    def teardown(self) -> None:
        """Nothing to undo."""

    def validate(self, page: playwright.sync_api.Page, chat_messages: list[str]) -> tuple[float, bool, str, dict]:
        return 0.0, False, "", {}


def opened(chromium: str) -> BrowserEnv:
    """An environment on an empty page."""
    launch = playwright.sync_api.BrowserType.launch
    # Its chat window takes Playwright's own Chromium, and offers no way to name another.
    playwright.sync_api.BrowserType.launch = functools.partialmethod(launch, executable_path=chromium)
    # It warns of every setting that differs from its task's.
    logging.getLogger("browsergym").setLevel(logging.ERROR)
    # 0 is not None: the task's own slow motion of a second does not come in its place.
    env = BrowserEnv(task_entrypoint=OpenPage, headless=True, pre_observation_delay=0.0, slow_mo=0)
    env.reset(seed=1)
    return env
