"""An iteration whose model is two vLLM servers: its adapter reaches both while they serve, and one of them may die."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.peers import servers
from ratchet.orchestrator.v1 import evaluation_service_pb2 as evaluations
from ratchet.orchestrator.v1 import iteration_service_pb2 as iterations
from ratchet.orchestrator.v1.evaluation_service_pb2_grpc import EvaluationServiceStub
from ratchet.orchestrator.v1.iteration_service_pb2_grpc import IterationServiceStub
from services.common import rpc
from services.host.main import host
from services.host.rooms.serving import MODELS

SPEC = iterations.IterationSpec(
    num_train_tasks=24, num_eval_tasks=8, num_template_tasks=2, max_epochs=2, parallel_episodes=4, max_steps=8
)


@pytest.fixture
async def replicas(tmp_path: Path):
    if find_spec("vllm") is None:
        pytest.skip("vLLM is not installed here: make test-vllm")
    async with contextlib.AsyncExitStack() as stack:
        opening = (servers.bare(sys.executable, MODELS / "ratchet-tiny", tmp_path / name) for name in "ab")
        yield [await stack.enter_async_context(each) for each in opening]


async def test_an_adapter_is_trained_loaded_on_two_servers_and_evaluated_by_both(
    replicas: list[servers.Bare], tmp_path: Path
):
    serving = {"engine": "openai", "urls": [each.url for each in replicas], "dtype": "float32"}
    async with host(tmp_path / "home", {"serving": serving}, []) as addresses:
        channel = rpc.dial(addresses.address("orchestrator"))
        stub = IterationServiceStub(channel)
        made = (await stub.CreateIteration(iterations.CreateIterationRequest(spec=SPEC))).iteration
        async for event in stub.WatchIteration(iterations.WatchIterationRequest(name=made.name), timeout=900):
            made = event.iteration
        assert made.state == iterations.Iteration.STATE_SUCCEEDED, made.error
        assert made.candidate_policy
        first, second = [await each.adapters() for each in replicas]
        assert first == second != set()

        before = [await each.num_answered() for each in replicas]
        done = await evaluate(EvaluationServiceStub(channel), made.candidate_policy, seed=2)
        assert done.num_lost_episodes == 0
        assert all([await each.num_answered() > was for each, was in zip(replicas, before, strict=True)])

        done = await evaluate(EvaluationServiceStub(channel), made.candidate_policy, seed=3, victim=replicas[0])
        assert (done.num_lost_episodes, done.num_done) == (0, done.num_total)
        await channel.close()


async def evaluate(
    stub: EvaluationServiceStub, policy: str, seed: int, victim: servers.Bare | None = None
) -> evaluations.Evaluation:
    """A policy's evaluation on a few tasks; `victim` is killed in its middle."""
    spec = evaluations.EvaluationSpec(
        policy=policy, split="heldout-instances", num_tasks=12, world_seed=seed, parallel_episodes=4, max_steps=8
    )
    made = (await stub.CreateEvaluation(evaluations.CreateEvaluationRequest(spec=spec))).evaluation
    async for event in stub.WatchEvaluation(evaluations.WatchEvaluationRequest(name=made.name), timeout=600):
        made = event.evaluation
        if victim is not None and made.num_done >= 3:
            os.kill(victim.pid, signal.SIGKILL)
            victim = None
    assert victim is None
    assert made.state == evaluations.Evaluation.STATE_SUCCEEDED, made.error
    return made
