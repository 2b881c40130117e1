"""Where places lie and how long a way takes: plain geometry on a map measured in metres.

Distances are rounded to 100 m and times to whole minutes once, here, so that every page and every
task's reference answer agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

DETOUR = 1.3  # streets are not straight lines
SPEEDS_KMH = {"foot": 5.0, "bicycle": 15.0, "car": 45.0}
MODE_NAMES = {"foot": "Walking", "bicycle": "Cycling", "car": "Driving"}


@dataclass(frozen=True)
class Route:
    """A way between two points: rounded distance in metres and the mode it is travelled in."""

    distance_m: int
    mode: str

    @property
    def distance(self) -> str:
        """The distance as the pages write it, e.g. "1.4 km"."""
        return f"{self.distance_m / 1000:.1f} km"

    @property
    def duration_min(self) -> int:
        """Travel time in whole minutes, at least one."""
        return max(1, round(self.distance_m / 1000 / SPEEDS_KMH[self.mode] * 60))

    @property
    def duration(self) -> str:
        """The travel time as the pages write it, e.g. "17 min" or "2 h 5 min"."""
        hours, minutes = divmod(self.duration_min, 60)
        return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def route(x1: int, y1: int, x2: int, y2: int, mode: str) -> Route:
    """The way between two points given in metres; KeyError-free for the modes in SPEEDS_KMH."""
    crow_m = math.hypot(x2 - x1, y2 - y1)
    return Route(max(100, round(crow_m * DETOUR / 100) * 100), mode)


def heading(x1: int, y1: int, x2: int, y2: int) -> str:
    """The compass direction from the first point to the second (y grows to the north)."""
    if abs(x2 - x1) > abs(y2 - y1):
        return "east" if x2 > x1 else "west"
    return "north" if y2 > y1 else "south"
