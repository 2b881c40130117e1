"""Stored attempts to score: tasks, trajectories and embeddings of a realistic size, made from a seed."""

from __future__ import annotations

import json

import numpy as np

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.scoring.vertex import Pair

NUM_TASKS = 812
NUM_STEPS = 15
RUN = "evaluations/bench"
SITE = "http://shop.test"


def pairs(num_dimensions: int, seed: int) -> list[Pair]:
    """References that drift from page to page, tests that follow with detours, and the trivial agent's one step."""
    rng = np.random.default_rng(seed)
    return [_pair(rng, num_dimensions) for _ in range(NUM_TASKS)]


def _pair(rng: np.random.Generator, num_dimensions: int) -> Pair:
    task = rng.normal(size=num_dimensions)
    reference = task + rng.normal(size=(NUM_STEPS, num_dimensions))
    order = np.sort(rng.integers(0, NUM_STEPS, size=NUM_STEPS))
    test = reference[order] + rng.normal(size=(NUM_STEPS, num_dimensions)) * 0.7
    return Pair(*(_unit(rows) for rows in (reference, test, reference[:1] + rng.normal(size=(1, num_dimensions)))))


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def trajectories(seed: int) -> list[trajectory_pb.Trajectory]:
    """One attempt per task, 15 steps of about 2 kB, a third of them solved."""
    rng = np.random.default_rng(seed)
    return [_trajectory(number, rng) for number in range(NUM_TASKS)]


def _trajectory(number: int, rng: np.random.Generator) -> trajectory_pb.Trajectory:
    answer = f"${number}.99"
    task = {
        "task_id": number,
        "sites": ["shopping"],
        "intent_template": "What does {{thing}} cost?",
        "eval": {
            "eval_types": ["string_match", "url_match"],
            "reference_answers": {"must_include": [answer]},
            "reference_url": f"{SITE}/product/{number}",
        },
    }
    solved = rng.random() < 1 / 3
    steps = [
        trajectory_pb.Step(
            index=at,
            url=f"{SITE}/product/{number}",
            observation="\n".join(f"[{n}] link 'Product {rng.integers(10_000)}'" for n in range(60)),
            response=f"I open the product. In summary, the next action I will perform is ```click [{at}]```",
            action=f"click [{rng.integers(60)}]" if at + 1 < NUM_STEPS else f"stop [{answer}]",
        )
        for at in range(NUM_STEPS)
    ]
    return trajectory_pb.Trajectory(
        name=f"{RUN}/trajectories/t{number}-1",
        episode=f"{RUN}/episodes/t{number}",
        attempt=1,
        state=trajectory_pb.Trajectory.STATE_SUCCEEDED,
        stop_reason="answered",
        phase="evaluate",
        world="w",
        task_id=str(number),
        task_json=json.dumps(task),
        intent=f"What does product {number} cost?",
        answer=f"It is {answer}" if solved else "I do not know",
        final_url=f"{SITE}/product/{number}",
        reward=float(solved),
        steps=steps,
    )
