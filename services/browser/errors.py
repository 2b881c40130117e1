"""What a call to the room can fail with.

Invariant: these are failures of the machinery, for programs and their people. What an action could not do is
no failure: it is text for the model (ports.NotActionable, ActResponse.error).
"""

from __future__ import annotations

from services.common import errors


class BrowserMissing(errors.FailedPrecondition):
    """No Chromium could be started on this machine."""

    reason = "BROWSER_MISSING"


class SessionCrashed(errors.FailedPrecondition):
    """The session's browser or page died: it is lost, and the attempt that used it with it."""

    reason = "SESSION_CRASHED"


class SessionGone(errors.NotFound):
    """The session was deleted, ran out of its budget, or never was."""

    reason = "SESSION_GONE"


class PageNotLoaded(errors.FailedPrecondition):
    """The start page could not be loaded."""

    reason = "PAGE_NOT_LOADED"


class NotObserved(errors.FailedPrecondition):
    """What was asked is of the last observation, and the page in front was not observed or is another by now."""

    reason = "NOT_OBSERVED"


class BlobGone(errors.NotFound):
    """The session does not hold that blob, or not any more."""

    reason = "BLOB_GONE"
