"""What the room needs from a browser. The domain knows these words and no library.

Invariant: URLs here are real addresses, element handles are the numbers that the document's last tree gave, and
the three exceptions below are all that an adapter lets out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from services.browser.nodes import Box, Text, Tree


class NotActionable(Exception):
    """The page does not allow what was asked; the text completes "[12] ..." or stands alone for the model."""

    # Number of the element that it is said of, where that is not the one that was asked for first.
    node = 0


class Covered(NotActionable):
    """Something lies over the element; the text says in words what does."""

    def __init__(self, text: str, by: Sequence[int], inside: Sequence[int]) -> None:
        """`by`: numbers of what lies over it, the best to name first; `inside`: of what is in that."""
        super().__init__(text)
        self.by, self.inside = by, inside


class LoadFailed(Exception):
    """A page could not be opened; the text says why."""


class TabCrashed(Exception):
    """The renderer or the whole browser is gone, or no longer answers."""


class Geolocation(NamedTuple):
    """Where pages are told that they are: degrees and metres."""

    latitude: float
    longitude: float
    accuracy_m: float


@dataclass(frozen=True)
class ContextOptions:
    """What a session's browser context is opened with."""

    # Origins that may be reached, e.g. "http://127.0.0.1:40123".
    origins: tuple[str, ...]
    # Playwright's storage state; None for none.
    storage_state: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    viewport: tuple[int, int] = (1280, 720)
    # What can be uploaded, by name; names are good file names.
    files: Mapping[str, bytes] = field(default_factory=dict)
    locale: str = "en-US"
    # Of the IANA database.
    timezone: str = "UTC"
    permissions: tuple[str, ...] = ()
    geolocation: Geolocation | None = None
    # What pages see as the time of day at first, in Unix seconds; it runs on from there. None for the real time.
    clock_start_s: float | None = None


# From the labels of a list's options, and whether it takes several, the indices to choose; may raise NotActionable.
Pick = Callable[[Sequence[str], bool], Sequence[int]]


@dataclass(frozen=True)
class Question:
    """What a page asks by a dialog; nothing else happens on it before the answer."""

    # "confirm" or "prompt".
    kind: str
    message: str
    # What a prompt holds at first.
    default: str = ""


class Hand(Protocol):
    """Real mouse and keyboard on one tab. Each call returns when what it caused has settled (bounded).

    Raises NotActionable where the page does not allow it, TabCrashed when the page is gone.
    """

    async def click(self, node: int) -> None: ...

    async def hover(self, node: int) -> None: ...

    async def type(self, node: int, text: str, *, enter: bool) -> None:
        """Replaces what the field holds."""
        ...

    async def select(self, node: int, pick: Pick) -> None:
        """Choose what `pick` picks, and nothing else, of a native or a scripted list."""
        ...

    async def upload(self, node: int, paths: Sequence[Path]) -> None:
        """Give the files to a field, or to the chooser that a control opens."""
        ...

    async def drag(self, node: int, onto: int) -> None: ...

    async def press(self, keys: str) -> None:
        """`keys` as in "Control+A"."""
        ...

    async def scroll(self, pages: int) -> None:
        """Whole viewports, negative for up."""
        ...


class Tab(Protocol):
    """One page of a context."""

    @property
    def hand(self) -> Hand: ...

    @property
    def url(self) -> str: ...

    @property
    def document(self) -> str:
        """Changes when, and only when, the tab shows another document."""
        ...

    async def title(self) -> str: ...

    async def load(self, url: str) -> None:
        """Open a URL. Raises LoadFailed within the room's bound."""
        ...

    async def traverse(self, steps: int) -> None:
        """Back (-1) or forward (+1) in the tab's history; NotActionable where it ends."""
        ...

    async def settle(self) -> None:
        """Wait, bounded, for whatever was set going."""
        ...

    async def tree(self, *, boxes: bool = False) -> Tree:
        """The accessibility tree of the page; element numbers are the same in every tree of a document."""
        ...

    async def text(self, last: int, taken: list[int], *, boxes: bool = False) -> Text:
        """The page in `compact` lines; new elements get ids after `last` that are not `taken`."""
        ...

    async def evaluate(self, expression: str) -> Any:
        """Value of a JavaScript expression in the page, nodes as their text; NotActionable where it throws."""
        ...

    async def content(self) -> str:
        """The page's HTML."""
        ...

    async def locate(self, nodes: Iterable[int], *, full_page: bool) -> dict[int, Box]:
        """Boxes of the elements that can be seen, in pixels of the screenshot; NotActionable when they are all gone."""
        ...

    async def screenshot(self, *, full_page: bool) -> bytes:
        """JPEG of any size; of a page that a dialog blocks what was drawn last, never the full page."""
        ...


class Dialogs(Protocol):
    """The dialogs of a context: alerts are closed at once, a question of the tab in front stays open."""

    # Called when a question stays open.
    asked: Callable[[], None]
    # Whether questions stay open; else they are dismissed at once.
    is_holding: bool

    @property
    def question(self) -> Question | None:
        """The open one."""
        ...

    async def answer(self, *, accept: bool, text: str | None) -> None:
        """Of a prompt: with the text, None for what it holds. Nothing to answer is no error."""
        ...

    async def dismiss(self) -> None:
        """Dismiss the open one, and tell it as what was contained."""
        ...


class Context(Protocol):
    """The isolated profile of one session: cookies, storage, tabs."""

    # Called when the browser or a page of the context dies, and once when a budget is used up, with what completes
    # "sessions/... ", e.g. "had a page that died".
    died: Callable[[str], None]
    spent: Callable[[str], None]

    @property
    def dialogs(self) -> Dialogs: ...

    @property
    def tabs(self) -> Sequence[Tab]:
        """In order of opening, without those of `aside`."""
        ...

    @property
    def front(self) -> Tab: ...

    @property
    def file_names(self) -> Sequence[str]:
        """Of the session's files, in their order."""
        ...

    async def file_paths(self, names: Sequence[str]) -> list[Path]:
        """Where the browser finds the session's files of these names, until the context is closed."""
        ...

    def drain_events(self) -> list[str]:
        """What the pages tried since the last call and was contained."""
        ...

    async def settled(self) -> None:
        """Wait until the popups that the last action opened are tabs."""
        ...

    async def open_tab(self, *, aside: bool = False) -> Tab:
        """A new empty tab: in front, or `aside`, unseen by the agent. NotActionable when there are too many."""
        ...

    async def focus(self, tab: Tab) -> None: ...

    async def close_tab(self, tab: Tab) -> None: ...

    async def close(self) -> None:
        """Idempotent; never fails."""
        ...


class Browser(Protocol):
    """Opens contexts; starts over by itself after a crash."""

    async def open(self, options: ContextOptions) -> Context:
        """Raises BrowserMissing, TabCrashed, ValueError (bad storage state)."""
        ...

    async def stop(self) -> None: ...
