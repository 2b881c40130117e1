"""An experiment's results as tables, in the shape of the paper's.

Invariant: a score is never given without its n and its interval, nor a p-value without the corrected one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.cli import words
from services.cli.experiments import cells, run_tables
from services.cli.experiments.cells import Table
from services.cli.experiments.definition import INSTANCES, TEMPLATES, TRAIN
from services.cli.experiments.gains import Gain, Relative
from services.cli.experiments.plan import BASE, TRIVIAL
from services.cli.experiments.results import Results, Split
from services.cli.words import DASH

TITLES = {
    INSTANCES: "New tasks of templates seen in training",
    TEMPLATES: "Tasks of templates never seen",
    TRAIN: "Tasks that were trained on",
}


def every(results: Results) -> list[Table]:
    """All tables, the most important first."""
    return [
        headline(results),
        *(scores(results, split) for split in results.splits),
        seeds(results),
        *(capabilities(split) for split in results.splits if split.capabilities.scores),
        *(behaviour(split) for split in results.splits),
        run_tables.filters(results),
        run_tables.training(results),
        run_tables.runs(results),
    ]


def titles(results: Results) -> dict[str, str]:
    """What the paper would call each row."""
    fixed = {BASE: "Base", TRIVIAL: "Trivial: always N/A"}
    return fixed | {run.name: run.title for run in results.experiment.runs}


def headline(results: Results) -> Table:
    """The result, by split."""
    run = results.experiment.headline
    return cells.table(
        "headline",
        f"The result: {run.title}, {words.count(len(run.seeds), 'training seed')}, against the base",
        "Split | n> | Base> | Tuned> | Relative gain> | 95 % interval> | "
        "Gain, points> | 95 % interval> | by template> | p>",
        [
            [
                gain.split,
                str(gain.difference.num_tasks),
                words.percent(gain.base.mean),
                words.percent(gain.score.mean),
                cells.share(gain.relative.mean),
                _relative_interval(gain.relative),
                words.points(gain.difference.mean),
                cells.change(gain.difference.interval),
                cells.change(gain.by_template),
                cells.p(gain.difference.p_value),
            ]
            for gain in results.gains
        ],
        "A task's reward is its mean over the training seeds. Intervals: paired percentile bootstrap over tasks "
        "(“by template”: over templates, whose tasks are drawn together); p: exact McNemar, or the sign test over "
        "tasks for several seeds, two-sided.",
    )


def scores(results: Results, split: Split) -> Table:
    """The paper's table on one split: agents by the three metrics."""
    by_policy = {found.policy: found for found in split.comparison.scores}
    against = {found.policy: found for found in split.comparison.differences}
    had = {found.label: found for found in split.capabilities.scores}
    rows = []
    for name, title in titles(results).items():
        if name not in by_policy:
            continue
        agents = results.labels.get(name, [name])
        likeness = [split.likeness[agent].mean for agent in agents if agent in split.likeness]
        rows.append(
            [
                name,
                title,
                f"{by_policy[name].num_solved:.4g} of {by_policy[name].num_tasks}",
                f"{words.percent(by_policy[name].mean)} {cells.interval(by_policy[name].interval)}",
                *_against(against.get(name)),
                cells.mean([had[agent].mean for agent in agents if agent in had], words.percent),
                cells.mean(likeness, "{:.3f}".format),
            ]
        )
    return cells.table(
        f"scores-{split.name}",
        f"{TITLES.get(split.name, split.name)} ({split.name})",
        "Run | What it is* | Solved> | Score> | Against base> | +/−> | p> | p, Holm> | Capabilities> | VERTEX_DTW>",
        rows,
        _method(split),
    )


def _method(split: Split) -> str:
    found = split.comparison
    said = [
        f"In brackets: 95 % percentile bootstrap over tasks, {found.num_resamples:,} resamples, seed {found.seed}.",
        "Differences in points, paired by task; +/−: tasks gained and lost; p: exact McNemar (sign test for several",
        "seeds), and corrected for all comparisons of the table (Holm). Several seeds: the mean over them.",
    ]
    if split.num_references:
        said.append(f"VERTEX_DTW against {split.num_references} of the expert's successes, {split.embedding_model}.")
    if split.name == TRAIN:
        said.append("A run is measured on tasks of the world that it trained in.")
    return " ".join(said)


def seeds(results: Results) -> Table:
    """The headline's training seeds, one by one."""
    return cells.table(
        "seeds",
        f"Training seeds of {results.experiment.headline.title}",
        "Split | Seed> | Score> | Against base> | 95 % interval> | p> | p, Holm>",
        [
            [
                gain.split,
                found.policy.rpartition("/")[2],
                words.percent(mean),
                words.points(found.mean),
                cells.change(found.interval),
                cells.p(found.p_value),
                cells.p(found.adjusted_p_value),
            ]
            for gain in results.gains
            for found, mean in zip(gain.by_seed, gain.seed_means, strict=True)
        ],
        _spread(results.gains),
    )


def capabilities(split: Split) -> Table:
    """Capabilities gained and lost against the base, with and without the trivial tasks."""
    nontrivial = {found.label: found for found in split.capabilities.nontrivial_scores}
    measured = split.capabilities
    return cells.table(
        f"capabilities-{split.name}",
        f"Capabilities on {split.name}",
        "Agent | Had> | Score> | Gained> | Lost> | Without trivial>",
        [
            [
                found.label,
                _of(found),
                f"{words.percent(found.mean)} {cells.interval(found.interval)}",
                str(len(found.gained)) if found.label != BASE else DASH,
                str(len(found.lost)) if found.label != BASE else DASH,
                _of(nontrivial.get(found.label)),
            ]
            for found in measured.scores
        ],
        f"{len(measured.capabilities)} capabilities from {measured.num_templates} templates: those of the same sites "
        f"are joined from a cosine of {measured.threshold:g} ({measured.embedding_model}).",
    )


def behaviour(split: Split) -> Table:
    """How agents went about it."""
    return cells.table(
        f"behaviour-{split.name}",
        f"Behaviour on {split.name}",
        "Agent | Attempts> | Steps> | Unparsable> | Refused> | Repeated> | "
        "Early stops> | Given up rightly> | wrongly> | Tokens in> | Tokens out> | Seconds>",
        [
            [
                found.label,
                str(found.num_trajectories),
                f"{found.mean_steps:.1f}",
                cells.part(found.num_unparsable, found.num_steps),
                cells.part(found.num_refused, found.num_steps),
                cells.part(found.num_repeated, found.num_steps),
                cells.part(found.num_trajectories - found.stop_reasons.get("answered", 0), found.num_trajectories),
                str(found.num_rightly_given_up),
                str(found.num_given_up - found.num_rightly_given_up),
                f"{found.mean_prompt_tokens:,.0f}",
                f"{found.mean_response_tokens:,.0f}",
                f"{found.mean_s:.1f}",
            ]
            for found in split.behaviours
        ],
        "Unparsable, refused by the page and repeated: share of steps. Early stops: attempts that the loop ended. "
        "Steps, tokens and seconds: means per attempt.",
    )


def _relative_interval(found: Relative) -> str:
    if not math.isfinite(found.mean):
        return DASH
    return f"[{cells.share(found.low)}, {cells.share(found.high)}]"


def _against(found: pb.PairedDifference | None) -> list[str]:
    if found is None:
        return [DASH] * 4
    return [
        f"{words.points(found.mean)} {cells.change(found.interval)}",
        f"{len(found.gained)}/{len(found.lost)}",
        cells.p(found.p_value),
        cells.p(found.adjusted_p_value),
    ]


def _of(found: pb.CapabilityScore | None) -> str:
    return f"{found.num_had} of {found.num_capabilities}" if found else DASH


def _spread(gains: Iterable[Gain]) -> str:
    """What the seeds alone add to the uncertainty, where there are several."""
    said = [
        f"{gain.split}: ±{100 * gain.score.attempt_error:.1f} points"
        for gain in gains
        if gain.score.HasField("attempt_error")
    ]
    return f"Standard error that comes from the seeds alone, tasks held fixed: {', '.join(said)}." if said else ""
