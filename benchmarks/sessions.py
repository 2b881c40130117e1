"""What sessions cost: opening one, keeping one, and click-and-observe steps per second at 1 to 32 of them.

All through the public gRPC API of `ratchet serve browser`, a process of its own, with default settings. Every step
clicks a button that counts, and its observation must show the count. BrowserGym's `step()`, its delays at 0 and its
screenshot left out, does the same on the same page in 1 and in 8 processes of its own (PEERS=0 leaves it out).
Machines are shared: rounds are interleaved, and the best of each counts.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks import memory, results
from benchmarks.observe import SITE, page_of, site
from benchmarks.peers.process import Peer
from benchmarks.rooms import browser_room
from ratchet.browser.v1 import browser_service_pb2 as pb
from services.cli import checks
from services.common import rpc

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub

SESSIONS = (1, 2, 4, 8, 16, 32)
PROCESSES = (1, 8)
ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS = float(os.environ.get("SECONDS", "2"))
# Before the clock of a session's steps starts.
WARM_S = 1.5
OPENED = 40
# A session that is gone at once leaves no time to open the next one ahead.
USED_S = 0.5
KEPT = 16
BUTTON = "Counted"
SIZE = 300


def counting_page(size: int) -> str:
    """The page of so many elements with a button that tells how often it was clicked."""
    button = f"<main><button onclick=\"this.textContent = '{BUTTON} ' + (window.n = (window.n || 0) + 1)\">"
    return page_of(size).replace("<main>", f"{button}{BUTTON} 0</button>", 1)


@dataclass
class Session:
    """An open session, its stream, its counting button's number, and how often that was clicked."""

    name: str
    interaction: rpc.Conversation[pb.InteractRequest, pb.InteractResponse]
    button: int
    num_clicks: int = 0


class Client:
    """What an agent asks of the room."""

    def __init__(self, stub: BrowserServiceAsyncStub, real_url: str) -> None:
        self._stub, self._real_url = stub, real_url

    async def open(self, size: int) -> Session:
        """A session on the page of that size, observed in the same call."""
        opened = await self._stub.CreateSession(
            pb.CreateSessionRequest(
                sites=[pb.Site(display_url=SITE, real_url=self._real_url)],
                start_url=f"{SITE}/{size}",
                observation_format="compact",
            )
        )
        found = [each.id for each in opened.observation.elements if each.name.startswith(BUTTON)]
        return Session(opened.session, rpc.Conversation(self._stub.Interact), found[0])

    async def close(self, session: Session) -> None:
        """End it."""
        await session.interaction.close()
        await self._stub.DeleteSession(pb.DeleteSessionRequest(session=session.name))

    async def steps(self, session: Session, *, until: float) -> int:
        """Click and observe until that time, at least once; the number of steps, each of which was seen to count."""
        action, before = f"click [{session.button}]", session.num_clicks
        while time.perf_counter() < until or session.num_clicks == before:
            act = pb.ActRequest(session=session.name, action=action, observation_format="compact")
            done = (await session.interaction.ask(pb.InteractRequest(act=act))).act
            session.num_clicks += 1
            if done.error or f"'{BUTTON} {session.num_clicks}'" not in done.observation.text:
                raise SystemExit(f"a click was not seen to count: {done.error or done.observation.text[:300]}")
        return session.num_clicks - before


async def opening_ms(client: Client) -> list[float]:
    """Milliseconds to open a session with its first observation, one after the other, each used for a while."""
    taken = []
    for _ in range(OPENED + 5):
        started = time.perf_counter()
        session = await client.open(40)
        taken.append(1000 * (time.perf_counter() - started))
        await client.steps(session, until=time.perf_counter() + USED_S)
        await client.close(session)
    return taken[5:]


async def session_mib(client: Client, pid: int) -> float | None:
    """MiB of Chromium that a session on the page of 300 elements adds; None where that cannot be read."""
    if not memory.can_be_read():
        return None
    before = await memory.settled_mib(pid)
    kept = [await client.open(SIZE) for _ in range(KEPT)]
    after = await memory.settled_mib(pid)
    await asyncio.gather(*map(client.close, kept))
    return (after - before) / KEPT


def seconds(num_sessions: int) -> float:
    """How long so many are counted for."""
    return SECONDS * (1 + num_sessions // 4)


async def ratchet_rate(client: Client, num_sessions: int) -> float:
    """Steps per second of so many sessions side by side, once they are at it."""
    sessions = await asyncio.gather(*(client.open(SIZE) for _ in range(num_sessions)))
    # BrowserGym's browsers are warm from round to round; these are new, and the room opens spares for the next ones.
    await asyncio.gather(*(client.steps(session, until=time.perf_counter() + WARM_S) for session in sessions))
    started = time.perf_counter()
    until = started + seconds(num_sessions)
    steps = await asyncio.gather(*(client.steps(session, until=until) for session in sessions))
    elapsed_s = time.perf_counter() - started
    await asyncio.gather(*map(client.close, sessions))
    return sum(steps) / elapsed_s


async def peer_rate(pool: ThreadPoolExecutor, peers: list[Peer], url: str) -> float:
    """Steps per second of so many BrowserGyms side by side, each by its own clock."""
    loop = asyncio.get_running_loop()

    def run(peer: Peer) -> float:
        answer = peer.ask(url=url, button=BUTTON, seconds=seconds(len(peers)))
        return float(answer["steps"] / answer["seconds"])

    return sum(await asyncio.gather(*(loop.run_in_executor(pool, run, peer) for peer in peers)))


async def measure() -> dict[str, Any]:
    """All figures; steps per second by contestant, the rounds in order."""
    rates: dict[str, list[float]] = defaultdict(list)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(site(counting_page))
        stub, pid = await stack.enter_async_context(browser_room())
        client = Client(stub, url)
        await ratchet_rate(client, 1)
        opening, mib = await opening_ms(client), await session_mib(client, pid)
        peers: list[Peer] = []
        pool = stack.enter_context(ThreadPoolExecutor(max(PROCESSES)))
        if os.environ.get("PEERS", "1") != "0":
            peers = [Peer("browsergym_steps", checks.chromium()) for _ in range(max(PROCESSES))]
            await peer_rate(pool, peers, f"{url}/{SIZE}")
        for number in range(ROUNDS):
            for count in SESSIONS:
                rates[f"ratchet, {count} sessions"].append(await ratchet_rate(client, count))
            for count in PROCESSES if peers else ():
                rates[f"BrowserGym, {count} processes"].append(await peer_rate(pool, peers[:count], f"{url}/{SIZE}"))
            print(f"\rround {number + 1} of {ROUNDS} ", end="", file=sys.stderr, flush=True)
        for peer in peers:
            peer.close()
    print(file=sys.stderr)
    return {"opening_ms": opening, "mib": mib, "rates": rates}


def main() -> None:
    """Print the table and write build/bench/sessions.json."""
    load_before = os.getloadavg()
    measured = asyncio.run(measure())
    best = {name: max(values) for name, values in measured["rates"].items()}
    quantiles = statistics.quantiles(measured["opening_ms"], n=20)
    result: dict[str, Any] = {
        "rounds": ROUNDS,
        "load_average": {"before": load_before, "after": os.getloadavg()},
        "create_ms": {"p50": round(quantiles[9], 1), "p95": round(quantiles[18], 1)},
        "session_mib": "n/a: no /proc/PID/smaps_rollup here" if measured["mib"] is None else round(measured["mib"], 1),
        "steps_per_second": {name: round(rate, 1) for name, rate in best.items()},
        "all_rounds": measured["rates"],
        "ratios": {},
    }
    if "BrowserGym, 8 processes" in best:
        ratio = best["ratchet, 8 sessions"] / best["BrowserGym, 8 processes"]
        result["ratios"]["steps_per_second_over_browsergym_8"] = round(ratio, 1)
    print(f"{'open a session and see it, ms (95th)':<40}{quantiles[9]:>10.1f} ({quantiles[18]:.1f})")
    print(f"{'memory of a session, MiB':<40}{result['session_mib']:>10}")
    for name, rate in best.items():
        print(f"{name + ', steps/s':<40}{rate:>10.1f}   rounds: {[round(r, 1) for r in measured['rates'][name]]}")
    for name, ratio in result["ratios"].items():
        print(f"{name:<40}{ratio:>10}")
    print(f"load average before and after: {load_before}, {os.getloadavg()}")
    results.write("sessions", result)


if __name__ == "__main__":
    main()
