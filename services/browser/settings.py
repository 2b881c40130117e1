"""The room's settings."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class BrowserSettings(RoomSettings):
    """Table [browser] of the configuration, or RATCHET_BROWSER__* in the environment."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_nested_delimiter="__", env_prefix="RATCHET_BROWSER__"
    )

    # host:port under which callers find this very process, told with each session; empty where it is the only one.
    address: str = ""
    # Chromium to drive; none: Playwright's own, else the first of the system's.
    executable: Path | None = None
    # Chromium processes; sessions go to the one with the fewest. One with a permission for the clipboard has another
    # to itself.
    num_browsers: int = Field(default=1, ge=1, le=64)
    # A process is replaced after so many sessions, and when it (without its pages) needs more memory than this;
    # sessions that live on it go on.
    sessions_per_browser: int = Field(default=500, ge=1)
    max_browser_bytes: int = Field(default=1024**3, ge=64 * 1024**2)
    # Contexts opened ahead for sessions like the last ones, some 20 MB each; 0 for none. They come on top of
    # max_sessions, and are closed when nobody wanted one for warm_s.
    warm_contexts: int = Field(default=2, ge=0, le=64)
    warm_s: float = Field(default=600.0, gt=0)
    # Sessions at a time; one more is refused with RESOURCE_EXHAUSTED.
    max_sessions: int = Field(default=32, ge=1)
    # A session dies after so many seconds unless its creator asks for another budget.
    session_budget_s: float = Field(default=900.0, gt=0)
    # A session dies when its pages have received so many bytes (unpacked), or made so many requests.
    max_session_bytes: int = Field(default=200_000_000, ge=1)
    max_session_requests: int = Field(default=20_000, ge=1)
    # A page whose process needs more memory than this is ended, and its session with it; it bounds JavaScript's heap,
    # too. A page of 300 elements needs some 100 MB, one of 50 MB of text 1.1 GB.
    max_page_bytes: int = Field(default=1536 * 1024**2, ge=128 * 1024**2)
    # Tabs of a session: one more popup is closed, one more new_tab is an error for the model.
    max_tabs: int = Field(default=20, ge=1)
    # A session that nobody calls for so long dies.
    idle_s: float = Field(default=300.0, gt=0)
    # What is too large for a message is held for its session up to so many bytes; the oldest go first.
    max_blob_bytes: int = Field(default=64 * 1024**2, ge=1024**2)
    # A page that has not answered in this time counts as not loading.
    load_timeout_s: float = Field(default=15.0, gt=0)
    # Longest wait for an action's requests and navigations to settle; then the page is taken as it is.
    settle_s: float = Field(default=5.0, gt=0)
    # A page that leaves a question unanswered for so long (a busy loop) is given up.
    call_timeout_s: float = Field(default=10.0, gt=0)
    viewport_width: int = Field(default=1280, ge=100, le=10_000)
    viewport_height: int = Field(default=720, ge=100, le=10_000)
