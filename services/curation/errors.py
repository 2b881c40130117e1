"""What curation cannot do."""

from __future__ import annotations

from services.common.errors import FailedPrecondition


class TooFewRows(FailedPrecondition):
    """Not enough plausible attempts are left to train and validate on; metadata has the counts."""

    reason = "TOO_FEW_ROWS"
