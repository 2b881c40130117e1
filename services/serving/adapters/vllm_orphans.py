"""A plugin of vLLM by which its processes end with the one that started them.

A killed server would otherwise leave its engine behind, with the model in memory. Invariant: a process of vLLM outlives
its parent by no more than a moment, however that ended.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

_NAME = "end with parent"


def register() -> None:
    """Watch the parent, where there is one. Idempotent."""
    parent = multiprocessing.parent_process()
    if parent is None or any(thread.name == _NAME for thread in threading.enumerate()):
        return

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=follow, name=_NAME, daemon=True).start()
