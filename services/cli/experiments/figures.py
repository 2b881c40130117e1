"""What of an experiment's results is drawn, and in which colours.

Invariant: a run has one colour wherever it is drawn; its further seeds are drawn faint.
"""

from __future__ import annotations

from typing import NamedTuple

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.cli import words
from services.cli.experiments import plots
from services.cli.experiments.definition import Run
from services.cli.experiments.plan import BASE, TRIVIAL
from services.cli.experiments.plots import Point, Series
from services.cli.experiments.results import Results, Split, Turn
from services.cli.experiments.tables import TITLES
from services.cli.report import charts


class SplitFigures(NamedTuple):
    """The drawings of one split."""

    name: str
    title: str
    scores: charts.Dots
    differences: charts.Dots
    rounds: plots.Lines
    # None where there is nothing to compare.
    capabilities: plots.Bars | None


def of_split(results: Results, split: Split) -> SplitFigures:
    """Scores with intervals, by agent and by round, and capabilities gained and lost."""
    scores = {found.policy: found for found in split.comparison.scores}
    against = [found for found in split.comparison.differences if found.policy != TRIVIAL]
    changed = [found for found in split.capabilities.scores if found.label not in (BASE, TRIVIAL)]
    return SplitFigures(
        split.name,
        TITLES.get(split.name, split.name),
        charts.scores([_score(results, found) for found in scores.values()]),
        charts.differences(
            [
                charts.Interval(
                    found.policy,
                    colour(results, found.policy),
                    found.mean,
                    found.interval.low,
                    found.interval.high,
                    words.points(found.mean),
                )
                for found in against
            ]
        ),
        _rounds(results, scores),
        plots.changes([(of.label, len(of.gained), len(of.lost)) for of in changed]) if changed else None,
    )


def colour(results: Results, name: str) -> str:
    """CSS class of a run, or of a built-in agent."""
    if name in (BASE, TRIVIAL):
        return name
    names = [run.name for run in results.experiment.runs]
    return f"c{names.index(name) % plots.NUM_COLOURS}"


def legend(results: Results) -> list[tuple[str, str]]:
    """(class, label) of every run that was trained."""
    trained = dict.fromkeys(turn.run.name for turn in results.turns if turn.job)
    return [(colour(results, name), name) for name in trained]


def filters(results: Results) -> plots.Bars:
    """Precision above recall, by iteration that has attempts of its own."""
    return plots.shares(
        [
            (
                turn.label,
                [
                    ("precision", kept.precision, words.percent(kept.precision)),
                    ("recall", kept.recall, words.percent(kept.recall)),
                ],
            )
            for turn in results.turns
            if (kept := turn.iteration.filter).num_trajectories and not turn.iteration.spec.collected_by
        ]
    )


def curves(results: Results) -> dict[str, plots.Lines]:
    """Loss, and validation perplexity from before the first step; what nobody recorded is left out."""
    loss, perplexity = [], []
    for turn in results.turns:
        if turn.job is None:
            continue
        losses = [(float(point.step), point.train_loss) for point in turn.job.points if point.train_loss > 0]
        if losses:
            loss.append(_series(results, turn, plots.smoothed(losses)))
        values = [(float(p.step), p.validation_perplexity) for p in turn.job.points if p.validation_perplexity > 0]
        if turn.job.initial_validation_perplexity > 0:
            values.insert(0, (0.0, turn.job.initial_validation_perplexity))
        if values:
            perplexity.append(_series(results, turn, [Point(x, y, y, y) for x, y in values]))
    found = {}
    if loss:
        found["loss"] = plots.lines(loss, from_zero=True, dots=False)
    if perplexity:
        found["perplexity"] = plots.lines(perplexity, from_zero=False, dots=True)
    return found


def _series(results: Results, turn: Turn, points: list[Point]) -> Series:
    return Series(turn.label, colour(results, turn.run.name), points, faint=turn.seed != turn.run.seeds[0])


def _score(results: Results, found: pb.PolicyScore) -> charts.Interval:
    return charts.Interval(
        found.policy,
        colour(results, found.policy),
        found.mean,
        found.interval.low,
        found.interval.high,
        words.percent(found.mean),
    )


def _rounds(results: Results, scores: dict[str, pb.PolicyScore]) -> plots.Lines:
    """A line for every sequence of runs that follow each other, all from the base."""
    chains = _chains(results)
    most = max(len(chain) for chain in chains)
    series = []
    for chain in chains:
        points = [_point(0, scores[BASE])]
        points += [_point(at, scores[run.name]) for at, run in enumerate(chain, 1) if run.name in scores]
        series.append(Series(chain[-1].name, colour(results, chain[-1].name), points))
    names = ["base", *(f"round {number}" for number in range(1, most + 1))]
    return plots.lines(series, x_names=names, from_zero=True, dots=True, scale=100, least=0.05)


def _chains(results: Results) -> list[list[Run]]:
    """From a run that nobody follows back to its first round; sequences of one round only where there are no others."""
    runs = {run.name: run for run in results.experiment.runs}
    followed = {run.follows for run in runs.values()}
    found = []
    for run in runs.values():
        if run.name in followed:
            continue
        chain = [run]
        while chain[0].follows:
            chain.insert(0, runs[chain[0].follows])
        found.append(chain)
    return [chain for chain in found if len(chain) > 1] or found


def _point(at: int, score: pb.PolicyScore) -> Point:
    return Point(float(at), score.mean, score.interval.low, score.interval.high)
