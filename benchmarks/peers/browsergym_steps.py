"""BrowserGym's own steps, counted on request: {"url", "button", "seconds"} a line on stdin, a line of JSON on stdout.

A step is its `step()` with a click on the page's counting button and its observation without the screenshot; the page
must have counted every one. Runs on an interpreter that has browsergym-core: `python browsergym_steps.py CHROMIUM`.
"""

from __future__ import annotations

import json
import sys
import time

from browsergym.core.env import BrowserEnv
from browsergym_env import opened


def _button(observation: dict, words: str) -> tuple[str, str]:
    """BrowserGym's id and the name of the button whose name begins with these words."""
    for node in observation["axtree_object"]["nodes"]:
        name = str(node.get("name", {}).get("value", ""))
        if node.get("role", {}).get("value") == "button" and name.startswith(words):
            return str(node["browsergym_id"]), name
    raise SystemExit(f"BrowserGym's observation has no button {words!r}")


def main() -> None:
    """Answer until stdin ends."""
    env = opened(sys.argv[1])
    sys.modules[BrowserEnv.__module__].extract_screenshot = lambda _page: None
    for line in sys.stdin:
        request = json.loads(line)
        env.page.goto(request["url"])
        observation = env._get_obs()
        bid, _ = _button(observation, request["button"])
        steps, started = 0, time.perf_counter()
        while (elapsed_s := time.perf_counter() - started) < request["seconds"] or not steps:
            observation, *_ = env.step(f"click('{bid}')")
            steps += 1
        name = _button(observation, request["button"])[1]
        if name != f"{request['button']} {steps}":
            raise SystemExit(f"{steps} clicks by BrowserGym made the button {name!r}: {env.last_action_error}")
        sys.stdout.write(json.dumps({"steps": steps, "seconds": elapsed_s}) + "\n")
        sys.stdout.flush()
    env.close()


if __name__ == "__main__":
    main()
