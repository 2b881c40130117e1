"""Keeps this process's command line from KServe, which parses it while it is imported and ends over our --config."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from services.common.errors import FailedPrecondition


@contextmanager
def unread() -> Iterator[None]:
    """Import what needs KServe in such a block. Raises FailedPrecondition where KServe is not installed."""
    if find_spec("kserve") is None:
        raise FailedPrecondition("KServe's package is not installed here; pip install 'ratchet-agent[kserve]'")
    arguments = sys.argv[1:]
    del sys.argv[1:]
    try:
        yield
    finally:
        sys.argv[1:] = arguments
