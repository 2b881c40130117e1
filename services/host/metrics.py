"""What a host shows of the machine under it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from prometheus_client import Gauge

FREE_BYTES = Gauge("ratchet_home_free_bytes", "Free space of the file system that the home is on")
SIZE_BYTES = Gauge("ratchet_home_size_bytes", "Size of that file system")


def watch(home: Path) -> None:
    """Look at the home's file system at every scrape; what cannot be looked at is not a number."""

    def usage(of: str) -> float:
        try:
            return float(getattr(shutil.disk_usage(home), of))
        except OSError:
            return math.nan

    FREE_BYTES.set_function(lambda: usage("free"))
    SIZE_BYTES.set_function(lambda: usage("total"))
