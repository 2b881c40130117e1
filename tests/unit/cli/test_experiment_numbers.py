"""An experiment's own arithmetic: relative gains over seeds, and axes that hide nothing."""

from __future__ import annotations

import math

import pytest

from services.cli.experiments import gains, plots
from services.cli.experiments.plots import Point, Series


def test_a_relative_gain_is_over_the_mean_of_the_seeds_and_paired_by_task() -> None:
    base = {f"t{n}": [float(n < 40)] for n in range(100)}
    ours = {f"t{n}": [float(n < 40), float(n < 60)] for n in range(100)}
    found = gains.relative(ours, {**base, "elsewhere": [1.0]}, seed=1, draws=2_000)
    assert found.mean == pytest.approx(0.25)
    # Gains are on tasks that the base never solves, so no resample shows a loss.
    assert 0.05 < found.low < 0.25 < found.high < 0.6
    assert found == gains.relative(ours, base, seed=1, draws=2_000)
    assert found != gains.relative(ours, base, seed=2, draws=2_000)


def test_the_same_rewards_are_no_gain_and_nothing_is_a_share_of_nothing() -> None:
    same = {f"t{n}": [float(n % 2)] for n in range(10)}
    assert gains.relative(same, same, seed=1, draws=500) == (0, 0, 0)
    nothing = {key: [0.0] for key in same}
    assert math.isinf(gains.relative(same, nothing, seed=1, draws=500).mean)
    assert math.isinf(gains.relative(nothing, nothing, seed=1, draws=500).low)


def test_a_task_that_one_seed_lost_to_the_machinery_counts_by_the_others() -> None:
    assert gains.by_task([{"a": 1.0, "b": 0.0}, {"b": 1.0}]) == {"a": [1.0], "b": [0.0, 1.0]}


@pytest.mark.parametrize("from_zero", [True, False])
def test_an_axis_shows_all_of_every_line(from_zero: bool) -> None:
    series = [
        Series("a", "c0", [Point(0, 0.4, 0.31, 0.49), Point(1, 0.5, 0.42, 0.583)]),
        Series("b", "c1", [Point(0, 0.4, 0.31, 0.49), Point(2, 0.7, 0.6, 0.81)]),
    ]
    for names in ((), ("base", "round 1", "round 2")):
        chart = plots.lines(series, x_names=names, from_zero=from_zero, dots=True, scale=100)
        ticks = [tick.at for tick in chart.y_ticks]
        for line in chart.lines:
            for dot in line.dots:
                assert min(ticks) <= dot.high <= dot.y <= dot.low <= max(ticks)
                assert chart.left <= dot.x <= chart.right
    assert [tick.label for tick in chart.x_ticks] == ["base", "round 1", "round 2"]
    assert (chart.y_ticks[0].label == "0") == from_zero


def test_an_axis_of_nothing_still_says_where_it_is() -> None:
    flat = [Series("a", "c0", [Point(0, 0, 0, 0), Point(1, 0, 0, 0)])]
    chart = plots.lines(flat, x_names=("base", "round 1"), from_zero=True, dots=True, scale=100, least=0.05)
    assert [tick.label for tick in chart.y_ticks] == ["0", "1", "2", "3", "4", "5"]


def test_bars_stay_within_the_drawing_and_are_as_long_as_their_numbers() -> None:
    chart = plots.changes([("a", 6, 3), ("b", 0, 0), ("a-run-with-a-name", 1, 6)])
    assert all(bar.x > 0 and bar.x + bar.width < chart.width for bar in chart.bars)
    gained, lost = chart.bars[0], chart.bars[1]
    assert (gained.text, lost.text) == ("+6", "−3")
    assert gained.width == pytest.approx(2 * lost.width)
    assert lost.x + lost.width == pytest.approx(chart.zero)


def test_a_long_curve_is_drawn_by_means() -> None:
    points = plots.smoothed([(float(n), float(n % 2)) for n in range(400)], keep=40)
    assert len(points) == 40
    assert {point.y for point in points} == {0.5}
    assert points[0].x == 4.5
