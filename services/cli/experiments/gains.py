"""How much better a run is than the base: in points and relative, over its training seeds, by honest intervals.

Invariant: a task counts once however many seeds tried it; its reward is the mean over them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.cli import client
from services.cli.experiments.definition import Experiment
from services.cli.experiments.plan import BASE

NUM_RESAMPLES = 10_000
_CHUNK = 500
_TIMEOUT_S = 300.0
# By agent, for each of its seeds: reward by task key.
Outcomes = Mapping[str, Sequence[Mapping[str, float]]]


class Relative(NamedTuple):
    """A gain as a share of the base's score, with its paired 95 % bootstrap interval; infinite over a score of 0."""

    mean: float
    low: float
    high: float


class Gain(NamedTuple):
    """A run against the base on one split. `by_seed`: each seed's policy by itself."""

    split: str
    run: str
    score: pb.PolicyScore
    base: pb.PolicyScore
    difference: pb.PairedDifference
    # The same interval where the tasks of one template are drawn together.
    by_template: pb.Interval
    relative: Relative
    by_seed: list[pb.PairedDifference]
    seed_means: list[float]


async def compare(
    rooms: client.Rooms, experiment: Experiment, outcomes: Outcomes, clusters: Mapping[str, str] | None = None
) -> pb.ComparePoliciesResponse:
    """Every agent's score, and its difference from the base; Holm's correction is over all of them."""
    request = pb.ComparePoliciesRequest(
        outcomes=[
            pb.PolicyOutcomes(policy=agent, attempts={key: pb.AttemptRewards(rewards=of) for key, of in tried.items()})
            for agent, seeds in outcomes.items()
            if (tried := by_task(seeds))
        ],
        baseline=BASE,
        seed=experiment.headline.seeds[0],
        num_resamples=NUM_RESAMPLES,
        clusters=clusters or {},
    )
    reply: pb.ComparePoliciesResponse = await rooms.scoring.ComparePolicies(request, timeout=_TIMEOUT_S)
    return reply


async def gain(
    rooms: client.Rooms, experiment: Experiment, split: str, outcomes: Outcomes, templates: Mapping[str, str]
) -> Gain:
    """The headline's gain on a split; `templates` by task key."""
    run = experiment.headline
    # Training tasks differ from run to run where their worlds do; only those that this one tried are compared.
    tried = by_task(outcomes[run.name])
    base = [{key: reward for key, reward in of.items() if key in tried} for of in outcomes[BASE]]
    both = {BASE: base, run.name: outcomes[run.name]}
    plain = await compare(rooms, experiment, both)
    clustered = await compare(rooms, experiment, both, templates)
    singly = {f"{run.name}/{seed}": [of] for seed, of in zip(run.seeds, outcomes[run.name], strict=True)}
    apart = await compare(rooms, experiment, {BASE: base, **singly})
    scores = {score.policy: score for score in plain.scores}
    return Gain(
        split=split,
        run=run.name,
        score=scores[run.name],
        base=scores[BASE],
        difference=plain.differences[0],
        by_template=clustered.differences[0].interval,
        relative=relative(tried, by_task(base), run.seeds[0]),
        by_seed=list(apart.differences),
        seed_means=[score.mean for score in apart.scores if score.policy != BASE],
    )


def by_task(seeds: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Rewards by task, one for each seed that tried it."""
    return {key: [of[key] for of in seeds if key in of] for key in sorted({key for of in seeds for key in of})}


def relative(
    ours: Mapping[str, Sequence[float]], base: Mapping[str, Sequence[float]], seed: int, draws: int = NUM_RESAMPLES
) -> Relative:
    """Ours over the base's, less 1, on their common tasks."""
    keys = sorted(ours.keys() & base.keys())
    pairs = np.array([(np.mean(ours[key]), np.mean(base[key])) for key in keys])
    if not pairs[:, 1].any():
        return Relative(math.inf, math.inf, math.inf)
    rng = np.random.default_rng(seed)
    sums = [
        pairs[rng.integers(0, len(pairs), (min(_CHUNK, draws - start), len(pairs)))].sum(axis=1)
        for start in range(0, draws, _CHUNK)
    ]
    ratios = [_ratio(*of) for chunk in sums for of in chunk.tolist()]
    low, high = np.percentile(ratios, (2.5, 97.5), method="nearest")
    return Relative(_ratio(*pairs.sum(axis=0).tolist()), float(low), float(high))


def _ratio(ours: float, base: float) -> float:
    if base:
        return ours / base - 1
    return math.inf if ours else 0.0
