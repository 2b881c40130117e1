"""Plays expert scripts in a real Chromium against a running arena, and judges the outcome roughly.

`python tests/contract/arena/rehearsal.py --templates 100-110 --partition train --instances 2` prints one line per
task that fails and a summary; exit code 1 if any failed. `--trivial` plays only
`stop [N/A]`: then every solved task that is not impossible is reported.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from playwright.async_api import Browser, Page, Playwright, async_playwright
from playwright.async_api import Error as PlaywrightError

from services.arena import suite
from services.arena.app import EPISODE_HEADER
from services.arena.control import storage_state
from services.arena.names import Partition
from services.arena.server import ArenaServer
from services.arena.site import ADDRESSES
from services.arena.sites import TEMPLATES
from services.arena.task import Move, Task, stop

TIMEOUT_MS = 3000


class Mismatch(Exception):
    """The script could not be played, or the outcome is not what the task asks for."""


async def launch(playwright: Playwright) -> Browser:
    """The system's Chromium if there is one, else the one that Playwright installed."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, names) if path), None)
    return await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])


def resolve(text: str, urls: dict[str, str]) -> str:
    """Put the sites' real base URLs in place of WebArena's placeholders and of the shown hosts."""
    for key, url in urls.items():
        text = text.replace(ADDRESSES[key].placeholder, url).replace(ADDRESSES[key].display_url, url)
    return text


async def act(page: Page, move: Move, urls: dict[str, str]) -> None:
    """Play one move other than stop."""
    if move["kind"] in ("click", "fill"):
        found = page.get_by_role(move["role"], name=move["name"], exact=True)
        nth = move.get("nth", 0)
        await found.nth(nth).wait_for(timeout=TIMEOUT_MS)
        if move["kind"] == "click":
            await found.nth(nth).click(timeout=TIMEOUT_MS)
        else:
            await found.nth(nth).fill(move["text"], timeout=TIMEOUT_MS)
            if move["enter"]:
                await found.nth(nth).press("Enter")
    elif move["kind"] == "press":
        await page.keyboard.press(move["keys"])
    elif move["kind"] == "scroll":
        await page.mouse.wheel(0, 720 if move["direction"] == "down" else -720)
    elif move["kind"] == "goto":
        await page.goto(resolve(move["url"], urls))
    elif move["kind"] == "back":
        await page.go_back()
    else:
        raise Mismatch(f"unknown move {move}")
    await page.wait_for_load_state("load")


async def play(page: Page, moves: list[Move], urls: dict[str, str]) -> str:
    """Play a script; returns its answer."""
    for move in moves:
        if move["kind"] == "stop":
            shown = " ".join((await page.locator("body").inner_text()).split())
            if move["source"] and " ".join(move["source"].split()) not in shown:
                raise Mismatch(f"the page does not show {move['source']!r}: {shown[:300]}")
            return str(move["answer"])
        try:
            await act(page, move, urls)
        except PlaywrightError as error:
            raise Mismatch(f"{move} at {page.url}: {str(error).splitlines()[0]}") from error
    raise Mismatch("the script has no stop")


def clean(text: str) -> str:
    """WebArena's answer cleaning."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return text.lower()


async def judge(page: Page, evaluation: dict[str, Any], answer: str, urls: dict[str, str]) -> None:
    """Raise Mismatch unless every check of the task passes."""
    for kind, wanted in (evaluation["reference_answers"] or {}).items():
        expected = [wanted] if isinstance(wanted, str) else wanted
        for part in expected:
            same = clean(part) in clean(answer) if kind == "must_include" else clean(part) == clean(answer)
            if not same:
                raise Mismatch(f"answer {answer!r} is not {kind} {part!r}")
    if "url_match" in evaluation["eval_types"]:
        gold = resolve(evaluation["reference_url"], urls).rstrip("/")
        if gold not in page.url.rstrip("/"):
            raise Mismatch(f"ended at {page.url}, not {gold}")
    for check in evaluation["program_html"]:
        if check["url"] != "last":
            await page.goto(resolve(check["url"], urls))
        if check["locator"]:
            text = str(await page.evaluate(f"() => {{ try {{ return {check['locator']} }} catch {{ return '' }} }}"))
        else:
            text = await page.content()
        for kind, wanted in check["required_contents"].items():
            for part in [wanted] if isinstance(wanted, str) else wanted:
                if not (clean(part) in clean(text) if kind == "must_include" else clean(part) == clean(text)):
                    raise Mismatch(f"{check['url']} {check['locator']} shows {text[:200]!r}, not {kind} {part!r}")


@asynccontextmanager
async def visit(
    browser: Browser, server: ArenaServer, partition: Partition, seed: int, *, signed_in: bool = True
) -> AsyncIterator[Page]:
    """A page inside a fresh episode."""
    token = server.registry.create(server.worlds.get(partition, seed))
    state: Any = storage_state(server.registry.get(token), server.urls) if signed_in else None
    context = await browser.new_context(
        viewport={"width": 1280, "height": 720}, extra_http_headers={EPISODE_HEADER: token}, storage_state=state
    )
    try:
        yield await context.new_page()
    finally:
        await context.close()
        server.registry.drop(token)


async def rehearse(page: Page, server: ArenaServer, task: Task, moves: list[Move]) -> None:
    """Play `moves` from the task's start and judge the outcome. Raises Mismatch."""
    wanted = task.webarena()
    await page.goto(resolve(wanted["start_url"], server.urls))
    answer = await play(page, moves, server.urls)
    await judge(page, wanted["eval"], answer, server.urls)


async def rehearse_all(args: argparse.Namespace) -> int:
    """Rehearse what the command line asks for; returns the number of surprises."""
    low, _, high = args.templates.partition("-")
    wanted = [t for t in TEMPLATES.values() if int(low) <= t.id <= int(high or low)]
    surprises = played = 0
    async with ArenaServer() as server, async_playwright() as playwright:
        browser = await launch(playwright)
        for template in wanted:
            tasks = suite.instances(server.worlds.get(args.partition, args.seed), template)
            lengths = sorted({len(task.expert()) for task in tasks})
            num_impossible = sum(task.impossible for task in tasks)
            outcome = "ok"
            for task in tasks[: args.instances]:
                moves = [stop("N/A")] if args.trivial else task.expert()
                problem = ""
                signed_in = task.template.signed_in
                try:
                    async with visit(browser, server, args.partition, args.seed, signed_in=signed_in) as page:
                        await rehearse(page, server, task, moves)
                except Mismatch as mismatch:
                    problem = str(mismatch)
                played += 1
                solved = not problem
                if solved != (task.impossible if args.trivial else True):
                    surprises += 1
                    outcome = "SURPRISE"
                    sys.stdout.write(f"  {task.id} {task.intent!r}: {problem or 'solved by stop [N/A]'}\n")
            sys.stdout.write(
                f"{template.id} {outcome:8} {len(tasks):2} drafts ({num_impossible} impossible), moves {lengths}"
                f"{' held out' if template.held_out else ''}: {tasks[0].intent if tasks else template.text}\n"
            )
        await browser.close()
    sys.stdout.write(f"{played} played, {surprises} surprises\n")
    return surprises


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", default="100-699", help="id or range of ids, e.g. 100-199")
    parser.add_argument("--partition", default="train", choices=("demo", "train", "eval"))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--instances", type=int, default=3, help="tasks per template")
    parser.add_argument("--trivial", action="store_true")
    return 1 if asyncio.run(rehearse_all(parser.parse_args())) else 0


if __name__ == "__main__":
    sys.exit(main())
