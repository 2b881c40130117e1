"""BrowserGym's observation, timed on request: a URL a line on stdin, milliseconds as JSON a line on stdout.

Runs on an interpreter that has browsergym-core, without anything of Ratchet's. `python browsergym_observe.py CHROMIUM`.
"""

from __future__ import annotations

import functools
import json
import sys
import time

import browsergym.core.observation as observation
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


def main() -> None:
    """Answer until stdin ends."""
    launch = playwright.sync_api.BrowserType.launch
    # Its chat window takes Playwright's own Chromium, and offers no way to name another.
    playwright.sync_api.BrowserType.launch = functools.partialmethod(launch, executable_path=sys.argv[1])
    env = BrowserEnv(task_entrypoint=OpenPage, headless=True, pre_observation_delay=0.0)
    env.reset(seed=1)
    real_screenshot = observation.extract_screenshot
    for line in sys.stdin:
        request = json.loads(line)
        if env.page.url != request["url"]:
            env.page.goto(request["url"])
        without = request["screenshot"] is False
        env_module = sys.modules[BrowserEnv.__module__]
        env_module.extract_screenshot = (lambda _page: None) if without else real_screenshot
        started = time.perf_counter()
        env._get_obs()
        elapsed_ms = 1000 * (time.perf_counter() - started)
        sys.stdout.write(json.dumps({"ms": elapsed_ms}) + "\n")
        sys.stdout.flush()
    env.close()


if __name__ == "__main__":
    main()
