"""What curation cannot do."""

from __future__ import annotations

from services.common.errors import FailedPrecondition


class TooFewRows(FailedPrecondition):
    """Not enough plausible attempts are left to train and validate on; metadata has the counts."""

    reason = "TOO_FEW_ROWS"


class TooFewSynthetic(FailedPrecondition):
    """The checks refused too much of what the policy wrote; metadata has the counts."""

    reason = "TOO_FEW_SYNTHETIC"


class LedgerBroken(FailedPrecondition):
    """The file of finished examples cannot be used."""

    reason = "LEDGER_BROKEN"
