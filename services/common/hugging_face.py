"""The library `transformers` as the rooms use it: without progress bars, and without what it imports for others."""

from __future__ import annotations

from types import ModuleType
from typing import Any


def transformers() -> ModuleType:
    """The package; call it before the first model is read."""
    import transformers as package

    utils: Any = package.utils
    # Assisted decoding imports sklearn, which imports pandas, and a loss imports scipy: a third of a host's start.
    utils.is_sklearn_available = utils.is_scipy_available = lambda: False
    utils.logging.disable_progress_bar()
    return package
