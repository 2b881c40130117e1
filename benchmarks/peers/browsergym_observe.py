"""BrowserGym's observation, timed on request: {"url", "screenshot"} a line on stdin, {"ms"} a line on stdout.

Runs on an interpreter that has browsergym-core, without anything of Ratchet's. `python browsergym_observe.py CHROMIUM`.
"""

from __future__ import annotations

import json
import sys
import time

import browsergym.core.observation as observation
from browsergym.core.env import BrowserEnv
from browsergym_env import opened


def main() -> None:
    """Answer until stdin ends."""
    env = opened(sys.argv[1])
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
