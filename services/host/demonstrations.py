"""Collects what `ratchet-tiny` is trained on: the arena's experts at work in real browsers, step by step.

`python -m services.host.demonstrations DIRECTORY --worlds 1-30` writes one file a world; worlds whose file
exists are not played again. Invariant: only the arena's demo split is played, and a step is recorded as an
agent loop would have shown it; an episode in which an action failed leaves nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from ratchet.browser.v1 import browser_service_pb2 as pb
from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceStub
from services.common import prompts, rpc
from services.common.addresses import arena_url
from services.common.errors import RatchetError
from services.common.prompts import brief
from services.common.prompts.view import with_name
from services.common.telemetry import log
from services.host.main import host
from services.rollout.adapters.arena import ArenaEnvironment
from services.rollout.adapters.control import control as arena_control
from services.rollout.agents import ExpertAgent
from services.rollout.ports import World
from services.training.pretraining import demonstrations
from services.training.pretraining.demonstrations import Demonstration

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub

_SPLIT = "demo"
_FORMAT = prompts.named("brief")
_SESSION_BUDGET_S = 600.0
_REQUEST_TIMEOUT_S = 120.0


class Collector:
    """Plays experts; `num_sessions` at a time."""

    def __init__(self, browser: BrowserServiceAsyncStub, find_arena: Callable[[], str], num_sessions: int) -> None:
        self._browser = browser
        self._find_arena = find_arena
        self._control = arena_control(find_arena)
        self._environment = ArenaEnvironment(self._control)
        self._free = asyncio.Semaphore(num_sessions)
        self.num_failed = 0

    async def close(self) -> None:
        """Close the connections."""
        await self._control.stop()

    async def world(self, seed: int, count: int) -> list[Demonstration]:
        """Steps of `count` tasks of a demo world, spread over the templates."""
        async with httpx.AsyncClient(timeout=_REQUEST_TIMEOUT_S, trust_env=False) as http:
            reply = await http.get(f"{self._find_arena()}/suites/{_SPLIT}", params={"world_seed": seed, "count": count})
        reply.raise_for_status()
        played = await asyncio.gather(*(self._play(seed, task) for task in reply.json()["tasks"]))
        return [step for steps in played for step in steps]

    async def _play(self, seed: int, task: dict[str, Any]) -> list[Demonstration]:
        name = f"{_SPLIT}/{seed}"
        async with self._free:
            moves = await self._environment.expert(name, task, _SPLIT)
            world = await self._environment.open(name, task)
            try:
                return await self._record(name, world, task, ExpertAgent(moves, _FORMAT))
            except RatchetError as error:
                self.num_failed += 1
                log().warning("expert failed", world=name, task=task["task_id"], error=error.message)
                return []
            finally:
                await self._environment.close(world)

    async def _record(self, name: str, world: World, task: dict[str, Any], expert: ExpertAgent) -> list[Demonstration]:
        opened = await self._browser.CreateSession(
            pb.CreateSessionRequest(
                sites=[pb.Site(display_url=shown, real_url=real) for shown, real in world.sites.items()],
                start_url=world.display(str(task["start_url"])),
                storage_state_json=world.storage_state_json,
                headers=world.headers,
                budget_s=_SESSION_BUDGET_S,
                observation_format=_FORMAT.observation_format,
            )
        )
        try:
            return await self._steps(name, opened.session, opened.observation, task, expert)
        finally:
            await self._browser.DeleteSession(pb.DeleteSessionRequest(session=opened.session))

    async def _steps(
        self, name: str, session: str, seen: pb.Observation, task: dict[str, Any], expert: ExpertAgent
    ) -> list[Demonstration]:
        steps: list[Demonstration] = []
        previous, element = "", ("", "")
        while True:
            view = prompts.View(seen.text, seen.url, str(task["intent"]), previous, element)
            decision = await expert.decide(view, seen, len(steps))
            action = _FORMAT.extract(decision.response)
            if action is None:
                raise RatchetError(f"the expert said {decision.response!r}, which is no action")
            steps.append(
                Demonstration(
                    world=name,
                    task=int(task["task_id"]),
                    step=len(steps),
                    page=seen.text,
                    url=seen.url,
                    objective=view.intent,
                    previous=brief.previous(view),
                    kind=action.split()[0],
                    response=decision.response,
                )
            )
            if steps[-1].kind == "stop":
                return steps
            reply = await self._browser.Act(
                pb.ActRequest(session=session, action=action, observation_format=_FORMAT.observation_format)
            )
            if reply.error:
                raise RatchetError(f"step {len(steps)} {action!r} at {seen.url}: {reply.error}")
            elements = {one.id: (one.role, one.name) for one in seen.elements}
            previous, element = reply.action, with_name(reply.action, elements)
            seen = reply.observation


async def collect(directory: Path, seeds: range, count: int, num_sessions: int) -> int:
    """Play `count` tasks of every world that has no file yet; returns how many episodes failed."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ratchet-demonstrations-") as home:
        async with host(Path(home), {}, ["arena", "browser"]) as addresses:
            channel = rpc.dial(addresses.address("browser"))
            collector = Collector(BrowserServiceStub(channel), lambda: arena_url(Path(home)), num_sessions)
            try:
                for seed in seeds:
                    path = directory / f"{_SPLIT}-{seed:03}.jsonl"
                    if path.exists():
                        continue
                    written = demonstrations.write(path, await collector.world(seed, count))
                    log().info("collected", world=seed, steps=written, failed=collector.num_failed)
            finally:
                await collector.close()
                await channel.close()
    return collector.num_failed


def main() -> int:
    """Command line; 1 if an expert failed."""
    parser = argparse.ArgumentParser(prog="python -m services.host.demonstrations", description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--worlds", default="1-30", help="range of world seeds")
    parser.add_argument("--tasks", type=int, default=160, help="tasks of each world")
    parser.add_argument("--sessions", type=int, default=6, help="browser sessions at a time")
    args = parser.parse_args()
    first, _, last = args.worlds.partition("-")
    seeds = range(int(first), int(last or first) + 1)
    try:
        return 1 if asyncio.run(collect(args.directory, seeds, args.tasks, args.sessions)) else 0
    except RatchetError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
