"""What serving costs at 1, 8 and 32 episodes side by side: the room on transformers and on vLLM, bare vLLM, generate().

The prompts are real: an expert's episodes on the arena, recorded once in Chromium (build/bench/steps), each of them one
page after the other as a rollout asks. Every server runs ratchet-tiny in float32 on one thread in processes of its own,
and must answer with the same tokens. Runs are interleaved, the order turns from round to round; ratios are taken
within a round, and the median of them counts. vLLM is taken from .venv-vllm (make setup-vllm), or left out.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import results
from benchmarks.peers import servers
from benchmarks.peers.servers import Server
from services.host import demonstrations as collecting
from services.training.pretraining import demonstrations

MODEL = Path("services/serving/models/ratchet-tiny")
STEPS = Path("build/bench/steps")
# A world of the demo split that the tiny policy was not trained on.
WORLD = 901
SIDE_BY_SIDE = (1, 8, 32)
ROUNDS = int(os.environ.get("ROUNDS", "5"))
# Episodes of one run.
EPISODES = int(os.environ.get("EPISODES", "64"))
# Longer prompts leave no room for a response in a context of 1,024 tokens.
MAX_PROMPT_TOKENS = 1024 - servers.MAX_NEW_TOKENS


class Step(NamedTuple):
    """A prompt, as text and as tokens."""

    text: str
    tokens: list[int]


class Run(NamedTuple):
    """One server under one load. Seconds; latencies are those of its requests."""

    tokens_per_s: float
    requests_per_s: float
    p50_s: float
    p95_s: float
    hit_rate: float
    responses: list[list[int]]


class Prompts:
    """Episodes of real steps, marked anew for every run, so that no run finds another's prompts in a cache."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer

        if not any(STEPS.glob("*.jsonl")):
            print("recording an expert's episodes (once)", file=sys.stderr)
            asyncio.run(collecting.collect(STEPS, range(WORLD, WORLD + 1), max(EPISODES, 64), 4))
        read = demonstrations.read(STEPS)
        found = itertools.groupby(read, key=lambda step: (step.world, step.task))
        self._episodes = [[step.prompt for step in steps] for _, steps in found][:EPISODES]
        self._tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))

    def marked(self, mark: str) -> list[list[Step]]:
        """Every episode, with the mark on its pages; prompts that are too long are left out."""
        marked = [
            [self._step(prompt.replace("PAGE:\n", f"PAGE:\ntext '{mark}'\n", 1)) for prompt in episode]
            for episode in self._episodes
        ]
        return [[step for step in episode if len(step.tokens) <= MAX_PROMPT_TOKENS] for episode in marked]

    def _step(self, prompt: str) -> Step:
        return Step(prompt, self._tokenizer.encode(prompt).ids)


async def run(server: Server, episodes: list[list[Step]], side_by_side: int) -> Run:
    """Play the episodes, so many at a time, each step after the one before it."""
    waiting, latencies, responses = list(enumerate(episodes)), [], {}
    before = await server.cached()

    async def play() -> None:
        while waiting:
            number, steps = waiting.pop(0)
            for index, step in enumerate(steps):
                asked = time.perf_counter()
                responses[number, index] = await server.ask(step.text, step.tokens)
                latencies.append(time.perf_counter() - asked)

    started = time.perf_counter()
    await asyncio.gather(*(play() for _ in range(side_by_side)))
    taken = time.perf_counter() - started
    reused, asked = (now - then for now, then in zip(await server.cached(), before, strict=True))
    ordered = [responses[key] for key in sorted(responses)]
    quantiles = statistics.quantiles(latencies, n=20)
    return Run(
        tokens_per_s=sum(map(len, ordered)) / taken,
        requests_per_s=len(ordered) / taken,
        p50_s=statistics.median(latencies),
        p95_s=quantiles[18],
        hit_rate=reused / asked if asked else 0.0,
        responses=ordered,
    )


async def measure(prompts: Prompts) -> dict[str, dict[int, list[Run]]]:
    """Runs by server and by how many episodes were side by side, one of each a round."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        python = servers.vllm_python()
        opened = {"transformers": servers.room(python or sys.executable, "transformers", home / "transformers")}
        opened["generate()"] = servers.generate(python or sys.executable, MODEL)
        if python is not None:
            opened["vllm"] = servers.room(python, "vllm", home / "vllm")
            opened["bare vllm"] = servers.bare(python, MODEL, home / "bare")
        running = {name: await stack.enter_async_context(server) for name, server in opened.items()}
        for name, server in running.items():
            await run(server, prompts.marked(f"Warm {name}")[:4], 4)
        found: dict[str, dict[int, list[Run]]] = {name: {each: [] for each in SIDE_BY_SIDE} for name in running}
        for number, side_by_side in itertools.product(range(ROUNDS), SIDE_BY_SIDE):
            names = list(running)
            turn = number % len(names)
            episodes = prompts.marked(f"Round {number} of {side_by_side}")
            for name in names[turn:] + names[:turn]:
                found[name][side_by_side].append(await run(running[name], episodes, side_by_side))
        return found


def ratio(found: dict[str, dict[int, list[Run]]], one: tuple[str, int], other: tuple[str, int]) -> list[float]:
    """Tokens per second of the one over the other, round by round."""
    mine, others = found[one[0]][one[1]], found[other[0]][other[1]]
    return [a.tokens_per_s / b.tokens_per_s for a, b in zip(mine, others, strict=True)]


def report(found: dict[str, dict[int, list[Run]]]) -> dict[str, Any]:
    """Medians over rounds, the ratios, and how many responses are the same tokens as transformers'."""
    table: dict[str, Any] = {}
    for name, loads in found.items():
        for side_by_side, runs in loads.items():
            numbers = {
                field: statistics.median(getattr(each, field) for each in runs)
                for field in ("tokens_per_s", "requests_per_s", "p50_s", "p95_s", "hit_rate")
            }
            pairs = [
                (mine, others)
                for one, other in zip(runs, found["transformers"][side_by_side], strict=True)
                for mine, others in zip(one.responses, other.responses, strict=True)
            ]
            numbers["same_tokens"] = sum(mine == others for mine, others in pairs) / len(pairs)
            table[f"{name}, {side_by_side}"] = {key: round(value, 4) for key, value in numbers.items()}
            print(
                f"{name:13} {side_by_side:3}: {numbers['tokens_per_s']:7.0f} tokens/s {numbers['requests_per_s']:6.1f} "
                f"requests/s  p50 {1000 * numbers['p50_s']:6.0f} ms  p95 {1000 * numbers['p95_s']:6.0f} ms  "
                f"prefix hits {numbers['hit_rate']:.2f}  same tokens {numbers['same_tokens']:.4f}"
            )
    ratios = {
        # One by one: transformers' own loop, and the room's, which has a prefix cache, with one episode.
        "transformers_batched_over_single_32": ratio(found, ("transformers", 32), ("generate()", 32)),
        "transformers_32_over_1": ratio(found, ("transformers", 32), ("transformers", 1)),
    }
    if "vllm" in found:
        ratios["ratchet_over_vllm_throughput_32"] = ratio(found, ("vllm", 32), ("bare vllm", 32))
        ratios["vllm_over_transformers_32"] = ratio(found, ("vllm", 32), ("transformers", 32))
    summary: dict[str, Any] = {name: round(statistics.median(each), 3) for name, each in ratios.items()}
    for name, each in ratios.items():
        print(f"{name} {summary[name]} (rounds: {', '.join(f'{one:.2f}' for one in each)})")
    return {"rounds": ROUNDS, "episodes": EPISODES, "runs": table, "ratios": ratios, **summary}


def main() -> None:
    """Measure and write build/bench/serving.json."""
    if servers.vllm_python() is None:
        print("vLLM is left out: make setup-vllm", file=sys.stderr)
    results.write("serving", report(asyncio.run(measure(Prompts()))))


if __name__ == "__main__":
    main()
