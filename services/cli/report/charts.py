"""The geometry of the report's drawings; the template turns it into SVG, and so escapes every label.

Invariant: an axis always shows the whole interval of everything drawn on it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

WIDTH = 560.0
_LEFT, _RIGHT = 108.0, 74.0
_ROW = 34.0


class Tick(NamedTuple):
    """A mark on an axis, in drawing units."""

    at: float
    label: str


class Dot(NamedTuple):
    """A value with its interval on a row."""

    label: str
    kind: str
    y: float
    x: float
    low: float
    high: float
    text: str


class Dots(NamedTuple):
    """Dots with intervals over a common axis; `zero` is where nothing changed, or None."""

    width: float
    height: float
    left: float
    right: float
    bottom: float
    dots: list[Dot]
    ticks: list[Tick]
    zero: float | None


class Interval(NamedTuple):
    """What is to be drawn: shares, not percent."""

    label: str
    kind: str
    mean: float
    low: float
    high: float
    text: str


def scores(values: Sequence[Interval]) -> Dots:
    """Scores over an axis from 0."""
    top = max([0.05, *(value.high for value in values)])
    step = nice(top / 5)
    return _dots(values, 0.0, min(1.0, step * math.ceil(top / step - 1e-9)), step, signed=False)


def differences(values: Sequence[Interval]) -> Dots:
    """Differences over an axis that has 0 in the middle."""
    reach = max([0.02, *(abs(edge) for value in values for edge in (value.low, value.high))])
    step = nice(reach / 2.5)
    reach = step * math.ceil(reach / step - 1e-9)
    return _dots(values, -reach, reach, step, signed=True)


def _dots(values: Sequence[Interval], start: float, end: float, step: float, *, signed: bool) -> Dots:
    right = WIDTH - _RIGHT

    def x(value: float) -> float:
        return round(_LEFT + (right - _LEFT) * (value - start) / (end - start), 1)

    ticks = [start + index * step for index in range(round((end - start) / step) + 1)]
    bottom = _ROW * len(values) + 8
    dots = [
        Dot(value.label, value.kind, _ROW * (index + 0.5) + 4, x(value.mean), x(value.low), x(value.high), value.text)
        for index, value in enumerate(values)
    ]
    marks = [Tick(x(tick), _percent(tick, signed=signed)) for tick in ticks]
    return Dots(WIDTH, bottom + 26, _LEFT, right, bottom, dots, marks, x(0.0) if signed else None)


def _percent(share: float, *, signed: bool) -> str:
    value = round(100 * share, 1)
    sign = "+" if signed and value > 0 else "−" if value < 0 else ""
    return f"{sign}{abs(value):g}"


def nice(step: float) -> float:
    """The next of 1, 2, 5, 10, ... that is not smaller."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= step - 1e-12)


class Curve(NamedTuple):
    """A line over steps: SVG points, dots on it, a reference level, axes."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    points: str
    dots: list[Tick]
    level: Tick | None
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def curve(points: Sequence[tuple[float, float]], *, level: float = 0.0, level_label: str = "", dots: bool) -> Curve:
    """(step, value) pairs as a line; `level` is drawn as a dashed reference where it is above 0."""
    width, height, left, right, top, bottom = 430.0, 210.0, 46.0, 418.0, 14.0, 178.0
    values = [value for _, value in points] + ([level] if level > 0 else [])
    low, high = min(values), max(values)
    step = nice(max((high - low) / 4, abs(high) * 0.01, 1e-6))
    start, end = step * math.floor(low / step), step * math.ceil(high / step)
    end = end if end > start else start + step
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)

    def x(value: float) -> float:
        return round(left + (right - left) * (value - first) / (last - first), 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - top) * (value - start) / (end - start), 1)

    x_step = max(1, nice((last - first) / 5))
    x_start = x_step * math.ceil(first / x_step)
    x_marks = [x_start + index * x_step for index in range(int((last - x_start) / x_step) + 1)]
    y_marks = [start + index * step for index in range(round((end - start) / step) + 1)]
    return Curve(
        width,
        height,
        left,
        right,
        top,
        bottom,
        " ".join(f"{x(at)},{y(value)}" for at, value in points),
        [Tick(x(at), str(y(value))) for at, value in points] if dots else [],
        Tick(y(level), level_label) if level > 0 else None,
        [Tick(x(mark), f"{mark:g}") for mark in x_marks],
        [Tick(y(mark), f"{mark:.4g}") for mark in y_marks],
    )


class Part(NamedTuple):
    """A stretch of a stacked bar, in percent of its width."""

    label: str
    kind: str
    start: float
    width: float
    text: str


def stacked(parts: Sequence[tuple[str, str, float, str]]) -> list[Part]:
    """(label, kind, amount, text) as stretches; [] when there is nothing to share out."""
    total = sum(amount for _, _, amount, _ in parts)
    if total <= 0:
        return []
    found, start = [], 0.0
    for label, kind, amount, text in parts:
        width = 100 * amount / total
        found.append(Part(label, kind, round(start, 3), round(width, 3), text))
        start += width
    return found
