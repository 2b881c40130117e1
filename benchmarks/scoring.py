"""How fast attempts are scored: VERTEX_DTW beside its peers, the bootstrap, and the evaluators over stored attempts.

Run it as `make bench NAME=scoring`. Peers and Ratchet take turns in every round, and the best round of each counts.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import fastdtw
import numpy as np
from scipy import stats

from benchmarks import attempts, results, warping
from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceStub
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common.rpc import dial, serve
from services.host.rooms import scoring, trajectory
from services.scoring import statistics, vertex

DIMENSIONS = 768
ROUNDS = 5
SEED = 0
NUM_RESAMPLES = 10_000
_IN_FLIGHT = 64


def timed(contestants: dict[str, Callable[[], Any]], rounds: int = ROUNDS) -> tuple[dict[str, float], dict[str, Any]]:
    """Best seconds and last answer of each, in turn, round by round."""
    best: dict[str, float] = {}
    answers: dict[str, Any] = {}
    for _ in range(rounds):
        for name, run in contestants.items():
            started = time.perf_counter()
            answers[name] = run()
            best[name] = min(best.get(name, float("inf")), time.perf_counter() - started)
    return best, answers


def warp() -> dict[str, Any]:
    """VERTEX_DTW over one pair per task. Fails where an exact alignment does not give the same score."""
    pairs = attempts.pairs(DIMENSIONS, SEED)
    best, scores = timed(
        {
            "ratchet": lambda: vertex.scores(pairs),
            "fastdtw": lambda: [warping.by_fastdtw(pair, attempts.NUM_STEPS) for pair in pairs],
            "fastdtw_radius_1": lambda: [warping.by_fastdtw(pair, 1) for pair in pairs],
            "dtaidistance": lambda: [warping.by_dtaidistance(pair) for pair in pairs],
            "numpy": lambda: [warping.by_numpy(pair) for pair in pairs],
        }
    )
    apart = {name: float(np.max(np.abs(np.subtract(found, scores["ratchet"])))) for name, found in scores.items()}
    for name in ("fastdtw", "dtaidistance", "numpy"):
        assert apart[name] <= 1e-6, f"{name} is {apart[name]} away"
    off = np.abs(np.subtract(scores["fastdtw_radius_1"], scores["ratchet"])) > 1e-6
    return {
        "num_pairs": len(pairs),
        "num_steps": attempts.NUM_STEPS,
        "num_dimensions": DIMENSIONS,
        "us_per_pair": {name: round(seconds / len(pairs) * 1e6, 1) for name, seconds in best.items()},
        "largest_difference": apart,
        "pairs_that_radius_1_misses": int(off.sum()),
        # Where its extension was not built, fastdtw is Python; the distance is a Python function either way.
        "fastdtw_is": fastdtw.fastdtw.__module__,
        "ratios": {
            f"{name}_over_ratchet": round(best[name] / best["ratchet"], 1) for name in best if name != "ratchet"
        },
    }


def resample() -> dict[str, Any]:
    """The bootstrap over 812 tasks: rewards, and scores of which no two are equal."""
    rng = np.random.default_rng(SEED)
    values = {"rewards": (rng.random(attempts.NUM_TASKS) < 0.1).astype(float), "scores": rng.random(attempts.NUM_TASKS)}
    contestants: dict[str, Callable[[], Any]] = {}
    for name, of_tasks in values.items():
        contestants[f"ratchet_{name}"] = lambda of_tasks=of_tasks: statistics.interval(of_tasks, NUM_RESAMPLES, SEED)
        contestants[f"scipy_{name}"] = lambda of_tasks=of_tasks: stats.bootstrap(
            (of_tasks,), np.mean, n_resamples=NUM_RESAMPLES, method="percentile", rng=SEED
        )
    best, _ = timed(contestants, rounds=3)
    return {"num_resamples": NUM_RESAMPLES, "ms": {name: round(seconds * 1e3, 2) for name, seconds in best.items()}}


@asynccontextmanager
async def rooms(home: Path) -> AsyncIterator[tuple[Any, Any]]:
    """Stubs of the store and of scoring; scoring's browser is never called."""
    async with AsyncExitStack() as stack:
        channels: dict[str, Any] = {}

        def to(room: str, _address: str = "") -> Any:
            return channels.setdefault(room, dial(f"unix:{home}/{room}.sock"))

        for name, module in (("trajectory", trajectory), ("scoring", scoring)):
            mounts = await stack.enter_async_context(module.open_room({}, to, home))
            await stack.enter_async_context(serve(mounts, f"unix:{home}/{name}.sock"))
        yield TrajectoryServiceStub(to("trajectory")), ScoringServiceStub(to("scoring"))
        for channel in channels.values():
            await channel.close()


async def evaluate() -> dict[str, float]:
    """Seconds over 812 stored attempts of 15 steps, by gRPC: writing them, and each way of looking at them."""
    made = attempts.trajectories(SEED)
    agent = pb.Selection(label="bench", parents=[attempts.RUN])
    with tempfile.TemporaryDirectory() as home:
        async with rooms(Path(home)) as (store, judge):
            # The channel is up, and every part loaded, before the clock starts.
            await store.ListTrajectories(trajectory_pb.ListTrajectoriesRequest())
            requests = [trajectory_pb.CreateTrajectoryRequest(trajectory=each) for each in made]
            episodes = [
                pb.EvaluateEpisodeRequest(task_json=each.task_json, answer=each.answer, final_url=each.final_url)
                for each in made
            ]
            found = {"store_s": (await _many(store.CreateTrajectory, requests))[0]}
            found["evaluate_s"], replies = await _many(judge.EvaluateEpisode, episodes)
            assert [reply.reward for reply in replies] == [each.reward for each in made]
            found["filter_s"], (filtered,) = await _many(
                judge.FilterTrajectories, [pb.FilterTrajectoriesRequest(parents=[attempts.RUN])]
            )
            assert len(filtered.verdicts) == attempts.NUM_TASKS
            found["behaviour_s"], (summary,) = await _many(
                judge.SummariseBehaviour, [pb.SummariseBehaviourRequest(agents=[agent])]
            )
            assert summary.behaviours[0].num_steps == attempts.NUM_TASKS * attempts.NUM_STEPS
    return {name: round(seconds, 3) for name, seconds in found.items()}


async def _many(call: Callable[[Any], Awaitable[Any]], requests: list[Any]) -> tuple[float, list[Any]]:
    """Seconds and answers, so many calls at a time."""
    slots = asyncio.Semaphore(_IN_FLIGHT)

    async def one(request: Any) -> Any:
        async with slots:
            return await call(request)

    started = time.perf_counter()
    answers = await asyncio.gather(*map(one, requests))
    return time.perf_counter() - started, list(answers)


def main() -> None:
    warped = warp()
    ratios = warped.pop("ratios")
    result = {"ratios": ratios, "vertex": warped, "bootstrap": resample(), "stored": asyncio.run(evaluate())}
    for name, us in warped["us_per_pair"].items():
        print(f"{name:20}{us:10.1f} us a pair")
    print(f"bootstrap of {attempts.NUM_TASKS} tasks: {result['bootstrap']['ms']} ms")
    print(f"{attempts.NUM_TASKS} stored attempts of {attempts.NUM_STEPS} steps: {result['stored']}")
    results.write("scoring", result)


if __name__ == "__main__":
    main()
