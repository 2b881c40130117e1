"""The geometry of an experiment's drawings; templates turn it into SVG, and so escape every label.

Invariant: an axis shows the whole of everything that is drawn on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from services.cli.report.charts import Tick, nice

NUM_COLOURS = 8
_WIDTH, _NARROW = 540.0, 400.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 528.0, 12.0, 228.0
_LABEL, _ROW = 118.0, 30.0


class Point(NamedTuple):
    """A value with its interval; low == high draws none."""

    x: float
    y: float
    low: float
    high: float


class Series(NamedTuple):
    """A line. `kind` is its CSS class; a faint one is a repetition of another."""

    label: str
    kind: str
    points: Sequence[Point]
    faint: bool = False


class Line(NamedTuple):
    """A series in drawing units."""

    label: str
    kind: str
    faint: bool
    points: str
    dots: list[Point]


class Lines(NamedTuple):
    """Lines over common axes."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def lines(
    series: Sequence[Series],
    *,
    x_names: Sequence[str] = (),
    from_zero: bool,
    dots: bool,
    scale: float = 1.0,
    least: float = 1e-6,
) -> Lines:
    """Series as lines. `x_names` name x = 0, 1, ...; `scale` multiplies what the y axis says (100 for percent),
    which reaches over `least`."""
    points = [point for each in series for point in each.points]
    lowest = 0.0 if from_zero else min(point.low for point in points)
    highest = max(lowest + least, *(point.high for point in points))
    step = nice(max((highest - lowest) / 5, abs(highest) * 0.01))
    start = step * math.floor(lowest / step)
    end = max(start + step, step * math.ceil(highest / step - 1e-9))
    first, last = (-0.3, len(x_names) - 0.7) if x_names else (0.0, max(1.0, *(point.x for point in points)))

    def x(value: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (value - first) / (last - first), 1)

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (value - start) / (end - start), 1)

    drawn = []
    for number, each in enumerate(series):
        # Intervals at the same place would hide each other.
        aside = 9.0 * (number - (len(series) - 1) / 2) if x_names else 0.0
        moved = [Point(x(p.x) + aside, y(p.y), y(p.low), y(p.high)) for p in each.points]
        path = " ".join(f"{p.x:.1f},{p.y}" for p in moved)
        drawn.append(Line(each.label, each.kind, each.faint, path, moved if dots else []))
    x_step = max(1.0, nice(last / 6))
    x_marks = [(float(at), name) for at, name in enumerate(x_names)] or [
        (at * x_step, f"{at * x_step:g}") for at in range(int(last / x_step) + 1)
    ]
    y_marks = [start + index * step for index in range(round((end - start) / step) + 1)]
    return Lines(
        _WIDTH,
        _BOTTOM + 26,
        _LEFT,
        _RIGHT,
        _BOTTOM,
        drawn,
        [Tick(x(at), name) for at, name in x_marks],
        [Tick(y(mark), f"{scale * mark:.4g}") for mark in y_marks],
    )


class Bar(NamedTuple):
    """A horizontal bar with its number beside it."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str
    text_x: float
    anchor: str


class Bars(NamedTuple):
    """Rows of bars; `zero` is where they begin."""

    width: float
    height: float
    zero: float
    bottom: float
    labels: list[Tick]
    bars: list[Bar]


def shares(rows: Sequence[tuple[str, Sequence[tuple[str, float, str]]]]) -> Bars:
    """(label, [(kind, share, text)]): bars from 0 to 1, one below the other within a row."""
    bars, labels, reach = [], [], _WIDTH - _LABEL - 56
    tall = max((len(values) for _, values in rows), default=1) * 13.0 + 12
    for number, (label, values) in enumerate(rows):
        top = number * tall + 6
        labels.append(Tick(top + (tall - 12) / 2 + 4, label))
        for place, (kind, share, text) in enumerate(values):
            width = round(reach * share, 1)
            bars.append(Bar(kind, _LABEL, top + place * 13, width, 10, text, _LABEL + width + 6, "start"))
    return Bars(_WIDTH, tall * len(rows) + 4, _LABEL, tall * len(rows), labels, bars)


def changes(rows: Sequence[tuple[str, int, int]]) -> Bars:
    """(label, gained, lost): bars to the right and to the left of a middle."""
    most = max([1, *(number for _, *both in rows for number in both)])
    half = (_NARROW - _LABEL) / 2 - 34
    middle = _LABEL + half + 30
    bars, labels = [], []
    for number, (label, gained, lost) in enumerate(rows):
        top = number * _ROW + 6
        labels.append(Tick(top + 14, label))
        right, left = round(half * gained / most, 1), round(half * lost / most, 1)
        bars.append(Bar("gained", middle, top, right, 18, f"+{gained}" if gained else "", middle + right + 6, "start"))
        bars.append(Bar("lost", middle - left, top, left, 18, f"−{lost}" if lost else "", middle - left - 6, "end"))
    return Bars(_NARROW, _ROW * len(rows) + 8, middle, _ROW * len(rows) + 4, labels, bars)


def smoothed(values: Sequence[tuple[float, float]], keep: int = 40) -> list[Point]:
    """(step, value) pairs as at most `keep` means over stretches of equal length."""
    size = max(1, math.ceil(len(values) / keep))
    chunks = [values[start : start + size] for start in range(0, len(values), size)]
    means = [(sum(x for x, _ in chunk) / len(chunk), sum(y for _, y in chunk) / len(chunk)) for chunk in chunks]
    return [Point(x, y, y, y) for x, y in means]
