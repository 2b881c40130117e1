"""Pages of an invented site as the browser's `compact` observation would tell them.

Invariant: pre-order, one line a thing, ids rising from the first one (1 after 999), exactly what can be acted on has
an id; the same page drawn again is the same text.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from services.curation.synthesis.grammar.sites import Site, Thing

MAX_ID = 999
_GREETINGS = ("Welcome to {}", "{}", "Good to see you at {}", "News from {}")
_NOTICES = (
    "Closed on public holidays.",
    "New: our pages can now be read aloud.",
    "We reply to messages within two working days.",
    "Cookies keep you signed in.",
    "Our opening hours have changed.",
)
_FOOTERS = ("Privacy", "Contact", "Imprint", "Sitemap", "Accessibility", "Newsletter")
_DONE = ("Thank you. {} was received.", "{}: done.", "{} is confirmed, reference {}.", "We have noted it: {}")


class Page:
    """A page being written; `ids` is by the element's name, its first one."""

    def __init__(self, first_id: int) -> None:
        self._next = first_id
        self._lines: list[str] = []
        self.ids: dict[str, int] = {}

    def __str__(self) -> str:
        return "\n".join(self._lines)

    def element(self, role: str, name: str, value: str = "", more: str = "") -> None:
        """Something that can be acted on."""
        number, self._next = self._next, self._next % MAX_ID + 1
        self._lines.append(f"[{number}] {role} '{name}'" + (f": '{value}'" if value else "") + more)
        self.ids.setdefault(name, number)

    def line(self, role: str, text: str) -> None:
        """Something that can only be read."""
        self._lines.append(f"{role} '{text}'")

    def frame(self, site: Site, searched: str = "") -> None:
        """The top of every page of a site."""
        self.element("link", site.name)
        self.element("searchbox", site.search_box, searched)
        self.element("button", site.search_button)
        for name in site.menu:
            self.element("link", name)

    def footer(self, rng: random.Random) -> None:
        """The end of a page, where it has one."""
        for name in rng.sample(_FOOTERS, rng.randrange(4)):
            self.element("link", name)


def home(page: Page, site: Site, rng: random.Random) -> None:
    """The front page, with a few things of the site."""
    page.frame(site)
    page.line("heading", rng.choice(_GREETINGS).format(site.name))
    for notice in rng.sample(_NOTICES, rng.randrange(1, 3)):
        page.line("text", notice)
    for thing in rng.sample(site.things, rng.randrange(3)):
        page.element("link", thing.name)
        label, value = rng.choice(list(thing.facts.items()))
        page.line("text", f"{label}: {value}")
    page.element("link", site.form)
    page.footer(rng)


def listing(page: Page, site: Site, rng: random.Random, things: Sequence[Thing], searched: str = "") -> None:
    """The site's section, or what a search found, as a table or as a list."""
    page.frame(site, searched)
    page.line("heading", f"Results for {searched}" if searched else site.section)
    if searched:
        page.line("text", f"{len(things)} found")
    labels = list(site.things[0].facts)[: rng.randrange(1, 4)]
    is_table = rng.random() < 0.4
    if is_table:
        page.line("row", " | ".join(["Name", *labels]))
    for thing in things:
        told = [thing.facts[label] for label in labels]
        if is_table:
            page.line("row", " | ".join([thing.name, *told]))
        page.element("link", thing.name)
        if not is_table:
            page.line("text", " · ".join(told))
    page.footer(rng)


def detail(page: Page, site: Site, rng: random.Random, thing: Thing) -> None:
    """All that the site says of one thing, and what can be done with it."""
    page.frame(site)
    page.element("link", site.section)
    page.line("heading", thing.name)
    buttons, facts = list(site.buttons), list(thing.facts.items())
    rng.shuffle(buttons)
    rng.shuffle(facts)
    before = rng.randrange(len(buttons) + 1)
    for name in buttons[:before]:
        page.element("button", name)
    for label, value in facts:
        page.line("text", f"{label}: {value}")
    for name in buttons[before:]:
        page.element("button", name)
    others = [other for other in site.things if other is not thing]
    if rng.random() < 0.5:
        page.line("heading", "See also")
        for other in rng.sample(others, 2):
            page.element("link", other.name)
    page.footer(rng)


def form(page: Page, site: Site, rng: random.Random, filled: Mapping[str, str]) -> None:
    """The site's form, the fields in `filled` with their values."""
    page.frame(site)
    page.line("heading", site.form)
    for label in site.fields:
        page.element("textbox", label, filled.get(label, ""))
    if rng.random() < 0.4:
        page.element("checkbox", "Send me a copy by email", more=rng.choice(("", " checked")))
    page.element("button", site.submit)
    page.footer(rng)


def done(page: Page, site: Site, rng: random.Random, what: str) -> None:
    """What a site says after a button or a form."""
    page.frame(site)
    page.line("text", rng.choice(_DONE).format(what, rng.randrange(10_000, 99_999)))
    page.element("link", f"Back to {site.section}")
    page.footer(rng)
