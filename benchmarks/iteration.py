"""Where an iteration's wall time goes: model, page, store, training, tail, ours.

One iteration runs on a host of its own; every episode's clock is read from its stored trajectory. `ours` is what is
left of an episode's time when waiting for the model, the page and the store is taken away, the gaps between episodes,
and the phases that neither act nor train. `tail` is workers that wait for the last episodes of a phase.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import results
from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from ratchet.trajectory.v1.trajectory_service_pb2 import Trajectory
from ratchet.trajectory.v1.trajectory_service_pb2_grpc import TrajectoryServiceStub
from services.common import rpc
from services.host.main import host
from services.orchestrator import trajectories

PARALLEL = int(os.environ.get("PARALLEL", "8"))
TASKS = int(os.environ.get("TASKS", "60"))


async def measure(home: Path) -> tuple[pb.Iteration, list[Trajectory]]:
    """One iteration over TASKS training tasks and half as many held-out ones, and what its episodes recorded."""
    async with host(home, {"host": {"log_level": "warning"}}, []) as addresses:
        channels = {room: rpc.dial(addresses.address(room)) for room in ("orchestrator", "trajectory")}
        stub = IterationServiceStub(channels["orchestrator"])
        spec = pb.IterationSpec(
            num_train_tasks=TASKS,
            num_eval_tasks=TASKS // 2,
            num_template_tasks=TASKS // 4,
            parallel_episodes=PARALLEL,
            max_epochs=3,
            screenshots=True,
        )
        iteration = (await stub.CreateIteration(pb.CreateIterationRequest(spec=spec))).iteration
        async for event in stub.WatchIteration(pb.WatchIterationRequest(name=iteration.name), timeout=1800):
            iteration = event.iteration
            print(f"\r{iteration.phase:<10}", end="", file=sys.stderr, flush=True)
        store = TrajectoryServiceStub(channels["trajectory"])
        found = [each async for each in trajectories.of_run(store, iteration.name)]
        for channel in channels.values():
            await channel.close()
    if iteration.state != pb.Iteration.STATE_SUCCEEDED:
        raise SystemExit(f"the iteration failed: {iteration.error}")
    return iteration, found


def tail_s(spans: list[tuple[float, float]]) -> float:
    """Worker seconds without an episode because no more were left to begin."""
    last_start, end = max(start for start, _ in spans), max(end for _, end in spans)
    busy = sum(max(0.0, stop - max(start, last_start)) for start, stop in spans)
    return max(0.0, PARALLEL * (end - last_start) - busy)


def breakdown(iteration: pb.Iteration, found: list[Trajectory]) -> dict[str, float]:
    """Seconds of the iteration's wall time by whose they are. Episodes run side by side: worker time / PARALLEL."""
    time, phases = iteration.time, {phase.phase: phase.elapsed_s for phase in iteration.phases}
    episodes_s = time.model_s + time.page_s + time.store_s + time.ours_s
    tail = 0.0
    for prefix in ("collect", "evaluate"):
        ends = [(each.create_time.ToNanoseconds() / 1e9, each) for each in found if each.phase.startswith(prefix)]
        tail += tail_s([(end - each.timings.total_s, end) for end, each in ends])
    gaps = max(0.0, (phases["collect"] + phases["evaluate"]) * PARALLEL - episodes_s - tail)
    return {
        "model": time.model_s / PARALLEL,
        "page": time.page_s / PARALLEL,
        "store": time.store_s / PARALLEL,
        "training": time.training_s,
        "tail": tail / PARALLEL,
        "ours": (time.ours_s + gaps) / PARALLEL
        + max(0.0, phases.get("train", 0.0) - time.training_s)
        + phases["curate"]
        + phases["gate"],
    }


def main() -> None:
    """Print the table and write build/bench/iteration.json."""
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as directory:
        iteration, found = asyncio.run(measure(Path(directory)))
    seconds = breakdown(iteration, found)
    wall_s = sum(seconds.values())
    print(f"\r{'part':<10}{'share':>8}{'seconds':>10}")
    for name, value in seconds.items():
        print(f"{name:<10}{value / wall_s:>8.1%}{value:>10.1f}")
    print(f"{'wall':<10}{'':>8}{wall_s:>10.1f}")
    print(f"{iteration.num_episodes} episodes, {PARALLEL} at a time, {iteration.num_failed_attempts} failed attempts")
    result = {
        "episodes": iteration.num_episodes,
        "parallel": PARALLEL,
        "wall_s": round(wall_s, 2),
        "ratios": {f"{name}_share": round(value / wall_s, 4) for name, value in seconds.items()},
    }
    results.write("iteration", result)


if __name__ == "__main__":
    main()
