"""How like successful trajectories stored ones are: their steps as texts, embedded and scored by VERTEX_DTW.

Invariant: a task counts when it has a reference, for every agent alike; an agent without a trajectory of it scores 0.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from typing import NamedTuple

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.common.errors import InvalidArgument
from services.scoring import comparison, stored, vertex
from services.scoring.comparison import Draws
from services.scoring.embeddings import Embeddings
from services.scoring.ports import Vectors
from services.scoring.stored import Stored

# Embedding models read a few hundred tokens; what is beyond this is out of every model's sight.
_MAX_CHARS = 16_000


def _paper(observation: str, facts: str, response: str) -> str:
    return f"{observation}\n{facts}\n{response}"


def _response_first(observation: str, facts: str, response: str) -> str:
    return f"{response}\n{facts}\n{observation}"


# The order decides what a model with a short sight reads: the paper's begins with the tree, of which a long one leaves
# no room for what the agent did.
ORDERS: Mapping[str, Callable[[str, str, str], str]] = {"paper": _paper, "response_first": _response_first}


class _Embedded(NamedTuple):
    name: str
    task: str
    reward: float
    steps: Vectors


_ByTask = dict[str, list[_Embedded]]


def texts_of(trajectory: trajectory_pb.Trajectory, order: str) -> list[str]:
    """What stands for each step: its observation, URL, objective and previous action, and the response."""
    texts, previous = [], "None"
    for step in trajectory.steps:
        facts = f"URL: {step.url}\nOBJECTIVE: {trajectory.intent}\nPREVIOUS ACTION: {previous}"
        texts.append(ORDERS[order](f"OBSERVATION:\n{step.observation}", facts, step.response)[:_MAX_CHARS])
        previous = step.action or previous
    return texts


async def compare(
    request: pb.CompareTrajectoriesRequest,
    attempts: Stored,
    embeddings: Embeddings,
    order: str,
    default_resamples: int,
) -> pb.CompareTrajectoriesResponse:
    """The answer to a request; raises InvalidArgument and what embedding raises."""
    how = comparison.draws(request.num_resamples, default_resamples, request.seed)
    stored.check(request.agents)
    if not request.references.parents:
        raise InvalidArgument(
            "references has no parents; name the runs of an agent whose successes stand as references"
        )
    references = _by_task([found async for found in _embedded(request.references, attempts, embeddings, order, 1.0)])
    if not references:
        raise InvalidArgument(
            f"no attempt in {', '.join(request.references.parents)} has reward 1; references must be successful"
        )
    trivial = _by_task([found async for found in _embedded(request.trivial, attempts, embeddings, order)])
    response = pb.CompareTrajectoriesResponse(
        embedding_model=embeddings.name,
        num_references=sum(map(len, references.values())),
        num_without_trivial=len(references.keys() - trivial.keys()),
        num_resamples=how.num_resamples,
        seed=how.seed,
    )
    for selection in request.agents:
        own = _by_task(
            [found async for found in _embedded(selection, attempts, embeddings, order) if found.task in references]
        )
        response.scores.append(await asyncio.to_thread(_score, selection.label, own, references, trivial, how))
    return response


async def _embedded(
    selection: pb.Selection, attempts: Stored, embeddings: Embeddings, order: str, min_reward: float = 0.0
) -> AsyncIterator[_Embedded]:
    """The selected attempts with a step at least, as they come."""
    async for page in attempts.pages(selection, with_steps=True):
        wanted = [trajectory for trajectory in page if trajectory.steps and trajectory.reward >= min_reward]
        texts = [text for trajectory in wanted for text in texts_of(trajectory, order)]
        rows = await embeddings.of(texts) if texts else None
        start = 0
        for trajectory in wanted:
            assert rows is not None
            stop = start + len(trajectory.steps)
            yield _Embedded(trajectory.name, stored.task_key(trajectory), trajectory.reward, rows[start:stop])
            start = stop


def _by_task(found: list[_Embedded]) -> _ByTask:
    """By task, and within it by name: the order of arrival differs from run to run."""
    grouped: _ByTask = {}
    for attempt in sorted(found, key=lambda attempt: attempt.name):
        grouped.setdefault(attempt.task, []).append(attempt)
    return grouped


def _score(label: str, own: _ByTask, references: _ByTask, trivial: _ByTask, how: Draws) -> pb.TrajectoryScore:
    tried = [(task, attempt) for task in sorted(references) for attempt in own.get(task, [])]
    comparable = [
        vertex.Attempt(
            [reference.steps for reference in references[task]],
            attempt.steps,
            trivial[task][0].steps if task in trivial else None,
        )
        for task, attempt in tried
    ]
    by_task: dict[str, list[float]] = {task: [] for task in references}
    for (task, _), score in zip(tried, vertex.best(comparable), strict=True):
        by_task[task].append(score)
    means = {task: math.fsum(scores) / len(scores) if scores else 0.0 for task, scores in by_task.items()}
    return pb.TrajectoryScore(
        label=label,
        num_tasks=len(means),
        num_missing=sum(not scores for scores in by_task.values()),
        mean=comparison.mean(means),
        interval=how.interval(means),
        scores=means,
    )
