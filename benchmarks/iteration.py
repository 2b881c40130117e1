"""Where an iteration's wall time goes: model, page, store, ours.

One iteration runs on a host of its own; every episode's clock is read from its stored trajectory. `ours` is what is
left of an episode's time when waiting for the model, the page and the store is taken away, and of the iteration's
wall time what no episode and no training accounts for.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
from pathlib import Path

from ratchet.orchestrator.v1 import iteration_service_pb2 as pb
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from services.common import rpc
from services.host.main import host

PARALLEL = int(os.environ.get("PARALLEL", "8"))
TASKS = int(os.environ.get("TASKS", "60"))


async def measure(home: Path) -> pb.Iteration:
    """One iteration over TASKS training tasks and as many held-out ones."""
    async with host(home, {"host": {"log_level": "warning"}}, []) as addresses:
        channel = rpc.dial(addresses.address("orchestrator"))
        stub = IterationServiceStub(channel)
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
        await channel.close()
    if iteration.state != pb.Iteration.STATE_SUCCEEDED:
        raise SystemExit(f"the iteration failed: {iteration.error}")
    return iteration


def breakdown(iteration: pb.Iteration) -> dict[str, float]:
    """Shares of the iteration's wall time. Episodes run side by side, so their seconds are scaled to wall seconds."""
    time, phases = iteration.time, {phase.phase: phase.elapsed_s for phase in iteration.phases}
    episodes_s = time.model_s + time.page_s + time.store_s + time.ours_s
    wall_of_episodes_s = phases["collect"] + phases["evaluate"]
    # PARALLEL workers were there for the whole of both phases; what no episode used of them is ours too.
    idle_s = max(0.0, wall_of_episodes_s * PARALLEL - episodes_s)
    scale = wall_of_episodes_s / (episodes_s + idle_s)
    seconds = {
        "model": time.model_s * scale,
        "page": time.page_s * scale,
        "store": time.store_s * scale,
        "training": time.training_s,
        "ours": (time.ours_s + idle_s) * scale + max(0.0, phases.get("train", 0.0) - time.training_s),
    }
    seconds["ours"] += phases["curate"] + phases["gate"]
    total = sum(seconds.values())
    return {name: value / total for name, value in seconds.items()} | {"wall_s": total}


def main() -> None:
    """Print the table and write build/bench/iteration.json."""
    with tempfile.TemporaryDirectory(prefix="ratchet-bench-") as directory:
        iteration = asyncio.run(measure(Path(directory)))
    shares = breakdown(iteration)
    print(f"\r{'part':<10}{'share':>8}{'seconds':>10}")
    for name, share in shares.items():
        if name != "wall_s":
            print(f"{name:<10}{share:>8.1%}{share * shares['wall_s']:>10.1f}")
    print(f"{'wall':<10}{'':>8}{shares['wall_s']:>10.1f}")
    print(f"{iteration.num_episodes} episodes, {PARALLEL} at a time, {iteration.num_failed_attempts} failed attempts")
    result = {
        "name": "iteration",
        "episodes": iteration.num_episodes,
        "parallel": PARALLEL,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "wall_s": round(shares["wall_s"], 2),
        "ratios": {f"{name}_share": round(share, 4) for name, share in shares.items() if name != "wall_s"},
    }
    path = Path("build/bench/iteration.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(f"written to {path}")


if __name__ == "__main__":
    main()
