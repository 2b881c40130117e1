"""How an attempt ended, as a key: attempts at a task that end alike found the same answer and left the same page.

Invariant: the key is made of what the agent said and could see, never of a reward.
"""

from __future__ import annotations

import hashlib

from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory_pb
from services.scoring.strings import clean


def ending(attempt: trajectory_pb.Trajectory) -> str:
    """A digest of the answer, the address in front and the page that was seen last; expects the steps."""
    seen = attempt.steps[-1].observation if attempt.steps else ""
    parts = (clean(attempt.answer), attempt.final_url, seen)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
