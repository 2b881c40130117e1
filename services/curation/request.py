"""What may be asked of curation, checked before any work."""

from __future__ import annotations

import math

from ratchet.curation.v1 import curation_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.curation.rows import CHOICES
from services.curation.selection import PRECEDENCES

MIXTURES = ("A", "B", "C")


def check(request: pb.CurateDatasetRequest) -> None:
    """Raise InvalidArgument naming the field that is wrong."""
    if not request.parents:
        raise InvalidArgument("parents is empty; name the runs to take trajectories from", field="parents")
    if len(set(request.parents)) != len(request.parents):
        raise InvalidArgument(f"parents names a run twice: {', '.join(request.parents)}", field="parents")
    if request.mixture not in MIXTURES:
        raise InvalidArgument(
            f"mixture is {request.mixture!r}; use A (in-domain rows), B (A and as many synthetic ones) or C (as many "
            "synthetic ones)",
            field="mixture",
        )
    if request.world_seed < 0:
        raise InvalidArgument(f"world_seed is {request.world_seed}; give 0 or more", field="world_seed")
    if request.rows not in CHOICES:
        raise InvalidArgument(f"rows is {request.rows!r}; use one of {', '.join(CHOICES)}", field="rows")
    if request.precedence and request.precedence not in PRECEDENCES:
        raise InvalidArgument(
            f"precedence is {request.precedence!r}; use one of {', '.join(PRECEDENCES)}", field="precedence"
        )
    fraction = request.validation_fraction
    if not (math.isfinite(fraction) and 0 <= fraction < 1):
        raise InvalidArgument(
            f"validation_fraction is {fraction}; give 0 or more and less than 1", field="validation_fraction"
        )
