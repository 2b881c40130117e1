"""Capabilities of stored attempts: reads them, groups their tasks, and counts.

Invariant: every task that any agent of the request tried belongs to exactly one capability, for all agents the same.
"""

from __future__ import annotations

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.scoring import capability, comparison, stored
from services.scoring.capability import Agent, Template
from services.scoring.embeddings import Embeddings
from services.scoring.stored import Stored


async def measure(
    request: pb.MeasureCapabilitiesRequest,
    attempts: Stored,
    embeddings: Embeddings,
    default_threshold: float,
    default_resamples: int,
) -> pb.MeasureCapabilitiesResponse:
    """The answer to a request; raises InvalidArgument and what embedding raises."""
    how = comparison.draws(request.num_resamples, default_resamples, request.seed)
    threshold = request.threshold or default_threshold
    baseline = _checked(request, threshold)
    mapping = dict(request.capability_of_task)
    templates: dict[str, Template] = {}
    agents = [await _read(selection, attempts, templates, needed=not mapping) for selection in request.agents]
    # The trivial agent's tasks bring no templates: groups are those of what the agents tried.
    trivial = await _read(request.trivial, attempts, {}, needed=False)
    tried = {key for agent in agents for key in agent.tried}
    response = pb.MeasureCapabilitiesResponse(
        baseline=baseline, num_resamples=how.num_resamples, seed=how.seed, num_templates=len(set(templates.values()))
    )
    if mapping:
        capability_of = capability.given(tried, mapping)
    else:
        distinct = sorted(set(templates.values()))
        response.embedding_model, response.threshold = embeddings.name, threshold
        vectors = await embeddings.of([template.text for template in distinct])
        named = capability.join(distinct, vectors, threshold)
        capability_of = {key: named[templates[key]] for key in tried}
    response.capabilities.extend(capability.describe(agents, templates, capability_of, trivial.solved))
    response.scores.extend(capability.scores(agents, baseline, capability_of, how))
    if request.trivial.parents:
        left = {key: name for key, name in capability_of.items() if key not in trivial.solved}
        response.nontrivial_scores.extend(capability.scores(agents, baseline, left, how))
    return response


def _checked(request: pb.MeasureCapabilitiesRequest, threshold: float) -> str:
    """The baseline's label."""
    stored.check(request.agents)
    if not 0 < threshold <= 1:
        raise InvalidArgument(f"threshold is {threshold}; cosines from above 0 to 1 join templates, 0 is the default")
    labels = [selection.label for selection in request.agents]
    baseline = request.baseline or labels[0]
    if baseline not in labels:
        raise InvalidArgument(f"baseline {baseline!r} is not among the agents: {', '.join(labels)}")
    return baseline


async def _read(selection: pb.Selection, attempts: Stored, templates: dict[str, Template], *, needed: bool) -> Agent:
    """An agent's attempts. Their tasks' templates are added to `templates`; a missing one is refused if `needed`."""
    tried, solved = set(), set()
    async for page in attempts.pages(selection, with_steps=False):
        for trajectory in page:
            key = stored.task_key(trajectory)
            tried.add(key)
            if trajectory.reward >= 1:
                solved.add(key)
            if key not in templates:
                task = stored.task_of(trajectory)
                if needed or task.get("intent_template") or task.get("intent"):
                    templates[key] = capability.template_of({"intent": trajectory.intent, **task})
    return Agent(selection.label, tried, solved)
