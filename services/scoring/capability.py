"""What an agent can do at all: capabilities are groups of like tasks, and one solved task shows a capability.

Templates with the same set of sites are joined where the cosine of their embeddings reaches the threshold, and joining
is transitive (single linkage): two templates are one capability when a chain of joined ones connects them.

Invariant: groups depend on the set of templates, their vectors and the threshold, not on tasks or their order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.scoring.comparison import Draws
from services.scoring.ports import Vectors

# Vectors are single precision: a cosine of exactly the threshold may come out this much lower.
_ROUNDING = 1e-6


class Template(NamedTuple):
    """What tasks that ask alike have in common."""

    sites: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{' + '.join(self.sites)}: {self.text}" if self.sites else self.text


class Agent(NamedTuple):
    """An agent's attempts."""

    label: str
    tried: Collection[str]
    # Task keys that at least one attempt solved.
    solved: Collection[str]


def template_of(task: Mapping[str, Any]) -> Template:
    """A task's template, or its intent where it has none. Raises InvalidArgument."""
    text, sites = task.get("intent_template") or task.get("intent"), task.get("sites") or []
    if not isinstance(text, str) or not isinstance(sites, list):
        raise InvalidArgument(
            f"task {task.get('task_id', '?')} has neither intent_template nor intent, or its sites are no list; "
            "give capability_of_task"
        )
    return Template(tuple(sorted({str(site) for site in sites})), text)


def join(templates: Sequence[Template], vectors: Vectors, threshold: float) -> dict[Template, str]:
    """The capability of each template, named after the first of its templates in order.

    `vectors` are of length 1, a row per template.
    """
    by_sites: dict[tuple[str, ...], list[int]] = {}
    for at, template in enumerate(templates):
        by_sites.setdefault(template.sites, []).append(at)
    found: dict[Template, str] = {}
    for members in by_sites.values():
        alike = vectors[members] @ vectors[members].T >= threshold - _ROUNDING
        _, labels = connected_components(csr_array(alike), directed=False)
        for label in np.unique(labels):
            group = [templates[members[at]] for at in np.flatnonzero(labels == label)]
            found.update(dict.fromkeys(group, str(min(group))))
    return found


def given(keys: Collection[str], capability_of_task: Mapping[str, str]) -> dict[str, str]:
    """The capability of each task key by a mapping from keys or task ids. Raises InvalidArgument naming one without."""
    found = {}
    for key in keys:
        name = capability_of_task.get(key) or capability_of_task.get(key.rpartition(":")[2])
        if not name:
            raise InvalidArgument(f"capability_of_task has neither {key!r} nor its task_id; every task tried needs one")
        found[key] = name
    return found


def scores(
    agents: Sequence[Agent], baseline: str, capability_of: Mapping[str, str], how: Draws
) -> list[pb.CapabilityScore]:
    """Each agent's share of the capabilities, and what it gains and loses against the baseline.

    `capability_of` has every task that counts; attempts at others are not regarded.
    """
    names = sorted({capability_of[key] for agent in agents for key in agent.tried if key in capability_of})
    had = {agent.label: {capability_of[key] for key in agent.solved if key in capability_of} for agent in agents}
    found = []
    for agent in agents:
        own, theirs = had[agent.label], had[baseline]
        score = pb.CapabilityScore(
            label=agent.label,
            num_had=len(own),
            num_capabilities=len(names),
            gained=sorted(own - theirs),
            lost=sorted(theirs - own),
        )
        if names:
            score.mean = len(own) / len(names)
            score.interval.CopyFrom(how.interval({name: float(name in own) for name in names}))
        found.append(score)
    return found


def describe(
    agents: Sequence[Agent],
    templates: Mapping[str, Template],
    capability_of: Mapping[str, str],
    trivial: Collection[str],
) -> list[pb.Capability]:
    """Every capability with what belongs to it; `templates` and `capability_of` are by task key."""
    tasks: dict[str, list[str]] = {}
    for key, name in capability_of.items():
        tasks.setdefault(name, []).append(key)
    found = []
    for name, keys in sorted(tasks.items()):
        members = {templates[key] for key in keys if key in templates}
        found.append(
            pb.Capability(
                name=name,
                sites=sorted({site for template in members for site in template.sites}),
                templates=sorted({template.text for template in members}),
                num_tasks=len(keys),
                num_nontrivial_tasks=sum(key not in trivial for key in keys),
                agents=[agent.label for agent in agents if not set(keys).isdisjoint(agent.solved)],
            )
        )
    return found
