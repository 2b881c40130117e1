"""Numbers as people read them. Pure functions; an unknown number is a dash, never a zero."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

DASH = "–"
MINUS = "−"


def percent(share: float) -> str:
    """0.4125 -> '41.3 %'."""
    return f"{100 * share:.1f} %"


def points(share: float) -> str:
    """0.0625 -> '+6.3', a difference in percentage points; a true minus sign below zero."""
    value = round(100 * share, 1)
    return f"{'+' if value > 0 else MINUS if value < 0 else '±'}{abs(value):.1f}"


def interval(low: float, high: float) -> str:
    """'[33.8, 48.8]', in percent."""
    return f"[{100 * low:.1f}, {100 * high:.1f}]"


def points_interval(low: float, high: float) -> str:
    """'[+1.2, +11.3]', in percentage points."""
    return f"[{points(low)}, {points(high)}]"


def p_value(p: float) -> str:
    """'p = 0.021', or 'p < 0.001'."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def duration(seconds: float) -> str:
    """'850 ms', '12.4 s', '3 min 05 s', '2 h 07 min'; a dash for nothing."""
    if seconds <= 0:
        return DASH
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(num_bytes: int) -> str:
    """'12.3 MB' (powers of ten)."""
    value = float(num_bytes)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def when(time: Timestamp, now: datetime | None = None) -> str:
    """'12 s ago', '3 h ago', then the date; a dash when unset."""
    if not time.seconds:
        return DASH
    moment = time.ToDatetime(tzinfo=UTC)
    age = ((now or datetime.now(UTC)) - moment).total_seconds()
    if age < 60:
        return f"{max(0, int(age))} s ago"
    if age < 3600:
        return f"{int(age // 60)} min ago"
    if age < 86400:
        return f"{int(age // 3600)} h ago"
    return f"{moment:%Y-%m-%d %H:%M}Z"


def count(number: int, noun: str) -> str:
    """'1 task', '2 tasks', '2 trajectories'."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{number:,} {noun}s"


def short(name: str) -> str:
    """The last id of a resource name: 'iterations/3f2a' -> '3f2a'."""
    return name.rsplit("/", 1)[-1]


def state(name: str) -> str:
    """'STATE_RUNNING' -> 'running'."""
    return name.removeprefix("STATE_").lower()
