"""A report's words and numbers: from facts to what the template prints.

Invariant: the verdict comes first, and every score has its n, its interval and the trivial agent beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any, NamedTuple

from google.protobuf.json_format import MessageToDict

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from ratchet.orchestrator.v1.score_pb2 import Difference, SplitReport
from ratchet.training.v1.training_service_pb2 import TrainingJob
from services.cli import iteration_text, words
from services.cli import scores as standings
from services.cli.report import charts
from services.cli.report.facts import Facts
from services.cli.scores import Roles

_RULES = {
    "early_stop": "stopped by the loop, not by the agent",
    "looping": "the same action three times or more",
    "said_impossible": "the last response says it is impossible",
    "gave_up": "an empty answer, or N/A",
    "bad_format": "a response that could not be parsed",
}


class ScoreRow(NamedTuple):
    """A row of the table of scores."""

    label: str
    kind: str
    policy: str
    num_solved: str
    num_tasks: int
    score: str
    interval: str


class Split(NamedTuple):
    """One held-out split."""

    name: str
    title: str
    world_seed: int
    rows: list[ScoreRow]
    chart: charts.Dots
    sentences: list[str]
    difference_chart: charts.Dots | None
    method: str


_TITLES = {
    "heldout-instances": "New tasks of templates seen in training",
    "heldout-templates": "Tasks of templates never seen",
}


def headline(iteration: Iteration) -> str:
    """The verdict in one sentence."""
    roles = iteration_text.roles(iteration)
    main = standings.main_difference(iteration.reports, roles)
    if iteration.state == Iteration.STATE_RUNNING:
        return f"Not finished: the iteration is in its phase “{iteration.phase or 'start'}”."
    if iteration.state != Iteration.STATE_SUCCEEDED:
        return f"The iteration {iteration_text.state(iteration)}: {iteration.error or 'no reason was given'}"
    if main is None:
        return "Nothing was promoted: there was no candidate to measure."
    report, difference = main
    by_label = {roles.label(score.policy): score for score in report.scores}
    verdict = "Promoted" if iteration.verdict == "promoted" else "Not promoted"
    if "tuned" not in by_label or "base" not in by_label:
        return f"{verdict}: {words.points(difference.mean)} points against the base."
    return (
        f"{verdict}: the tuned policy solves {words.percent(by_label['tuned'].mean)} of "
        f"{words.count(difference.num_tasks, 'held-out task')}, the base {words.percent(by_label['base'].mean)}."
    )


def subline(iteration: Iteration) -> str:
    """The paired comparison behind the verdict; empty while there is none."""
    main = standings.main_difference(iteration.reports, iteration_text.roles(iteration))
    if main is None:
        return ""
    difference = main[1]
    return (
        f"{words.points(difference.mean)} percentage points, paired 95 % interval "
        f"{words.points(difference.low)} to {words.points(difference.high)}, {words.p_value(difference.p_value)}: "
        f"{words.count(len(difference.gained), 'task')} gained, {len(difference.lost)} lost."
    )


def splits(iteration: Iteration) -> list[Split]:
    """Every evaluated split."""
    roles = iteration_text.roles(iteration)
    return [_split(report, roles) for report in iteration.reports]


def _split(report: SplitReport, roles: Roles) -> Split:
    intervals = [
        charts.Interval(
            label := roles.label(score.policy),
            label if label in ("base", "tuned", "trivial") else "other",
            score.mean,
            score.low,
            score.high,
            words.percent(score.mean),
        )
        for score in report.scores
    ]
    rows = [
        ScoreRow(
            value.label,
            value.kind,
            score.policy,
            f"{score.num_solved:g}",
            score.num_tasks,
            words.percent(score.mean),
            words.interval(score.low, score.high),
        )
        for value, score in zip(intervals, report.scores, strict=True)
    ]
    tuned_first = sorted(report.differences, key=lambda item: item.policy != roles.candidate)
    differences = [_difference(item, roles) for item in tuned_first]
    return Split(
        report.split,
        _TITLES.get(report.split, report.split),
        report.world_seed,
        rows,
        charts.scores(intervals),
        [standings.sentence(item, roles) for item in tuned_first],
        charts.differences(differences) if differences else None,
        f"95 % percentile bootstrap over tasks, {report.num_resamples:,} resamples, seed {report.seed}; "
        "differences are paired by task; p: exact McNemar, two-sided.",
    )


def _difference(item: Difference, roles: Roles) -> charts.Interval:
    label = roles.label(item.policy)
    kind = label if label in ("tuned", "trivial") else "other"
    return charts.Interval(f"{label} − base", kind, item.mean, item.low, item.high, words.points(item.mean))


class Rule(NamedTuple):
    """How many trajectories broke a rule of the filter."""

    name: str
    meaning: str
    num: int
    share: float


def rules(iteration: Iteration) -> list[Rule]:
    """The filter's rules, the most broken first."""
    most = max(iteration.filter.broken_rules.values(), default=0) or 1
    known = {**dict.fromkeys(_RULES, 0), **iteration.filter.broken_rules}
    found = [Rule(name, _RULES.get(name, ""), num, round(100 * num / most, 1)) for name, num in known.items()]
    return sorted(found, key=lambda rule: -rule.num)


def training_charts(job: TrainingJob) -> dict[str, charts.Curve]:
    """Loss by step, and validation perplexity at the ends of epochs; what was not recorded is left out."""
    found = {}
    loss = [(float(point.step), point.train_loss) for point in job.points if point.train_loss > 0]
    if len(loss) > 1:
        found["loss"] = charts.curve(loss, dots=False)
    perplexity = [(float(p.step), p.validation_perplexity) for p in job.points if p.validation_perplexity > 0]
    if perplexity:
        first = job.initial_validation_perplexity
        if first > 0:
            perplexity.insert(0, (0.0, first))
        found["perplexity"] = charts.curve(perplexity, level=first, level_label="base", dots=True)
    return found


def episode_time(iteration: Iteration) -> list[charts.Part]:
    """Where the episodes' time went."""
    spent = iteration.time
    amounts = (
        ("model", spent.model_s),
        ("page", spent.page_s),
        ("store", spent.store_s),
        ("ours", spent.ours_s),
    )
    total = sum(amount for _, amount in amounts) or 1
    return charts.stacked(
        [(name, name, amount, f"{words.duration(amount)}, {words.percent(amount / total)}") for name, amount in amounts]
    )


def settings(iteration: Iteration) -> list[tuple[str, str]]:
    """What was asked for, as the server filled it in."""
    spec = MessageToDict(iteration.spec, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return [(name.replace("_", " "), f"{value}") for name, value in spec.items()]


def provenance(facts: Facts) -> list[tuple[str, str]]:
    """Names by which all of this is found again."""
    iteration = facts.iteration
    pairs = (
        ("iteration", iteration.name),
        ("follows", iteration.previous),
        ("base policy", iteration.base_policy),
        ("candidate policy", iteration.candidate_policy),
        ("dataset", iteration.dataset),
        ("training job", iteration.training_job),
        ("adapter (sha256)", facts.job.adapter_digest if facts.job else ""),
        ("started", _moment(iteration.create_time)),
        ("ended", _moment(iteration.end_time)),
        ("episodes", f"{iteration.num_episodes}, each counted once"),
        ("attempts lost to the machinery", str(iteration.num_failed_attempts)),
        ("episodes without a result", str(iteration.num_lost_episodes or "")),
    )
    return [(name, value) for name, value in pairs if value]


def _moment(time: Any) -> str:
    return f"{time.ToDatetime(tzinfo=UTC):%Y-%m-%d %H:%M:%S} UTC" if time.seconds else ""


def card(facts: Facts) -> list[tuple[str, str]]:
    """The dataset's card as flat pairs."""
    if facts.dataset is None:
        return []
    return list(_flat("", MessageToDict(facts.dataset.card)))


def _flat(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flat(f"{path}.{key}" if path else str(key), item)
    elif isinstance(value, list):
        yield path, ", ".join(map(str, value))
    elif isinstance(value, float) and value.is_integer():
        yield path, f"{value:.0f}"
    elif value not in ("", None, {}):
        yield path, f"{value}"
