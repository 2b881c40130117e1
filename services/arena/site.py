"""What a site is to the rest of the arena, and under which addresses the sites are known."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from starlette.routing import Route

if TYPE_CHECKING:
    from services.arena.names import Names
    from services.arena.task import Template


@dataclass(frozen=True)
class Address:
    """WebArena's placeholder for a site, and the host that is shown to the agent."""

    placeholder: str
    display_url: str


ADDRESSES: dict[str, Address] = {
    "shopping": Address("__SHOPPING__", "http://shop.test"),
    "shopping_admin": Address("__SHOPPING_ADMIN__", "http://admin.test"),
    "reddit": Address("__REDDIT__", "http://forum.test"),
    "gitlab": Address("__GITLAB__", "http://code.test"),
    "wikipedia": Address("__WIKIPEDIA__", "http://wiki.test"),
}


@dataclass(frozen=True)
class Account:
    """The persona whose session an episode may start with."""

    username: str
    password: str
    name: str


Populate = Callable[[sqlite3.Connection, "Names", random.Random], "Account | None"]


@dataclass(frozen=True)
class Site:
    """One site. `user_table` (if it has accounts) needs the columns id, username, password, name.

    `populate` fills the site's tables and returns the account that episodes are signed in with
    (None: the site has no accounts). Sites are populated in the order of ADDRESSES, in one database,
    so a later site may read an earlier one's tables.
    """

    key: str
    folder: str
    title: str
    schema: str
    populate: Populate
    routes: list[Route]
    templates: list[Template] = field(default_factory=list)
    user_table: str = ""
    login_everywhere: bool = False
    """True: every page but /login asks for a session."""
    search: tuple[str, str] | None = None
    """(label of the header's search box, path it submits `q` to)."""
    nav: tuple[tuple[str, str], ...] = ()
    """Header links (label, path) that everyone sees."""
    account_nav: tuple[tuple[str, str], ...] = ()
    """Header links that only a signed-in user sees."""
    footer: tuple[tuple[str, str], ...] = ()
    """Footer links."""

    @property
    def placeholder(self) -> str:
        return ADDRESSES[self.key].placeholder

    @property
    def display_url(self) -> str:
        return ADDRESSES[self.key].display_url

    @property
    def cookie(self) -> str:
        return f"arena_{self.folder}"


def today(db: sqlite3.Connection) -> date:
    """The date on which this world stands still; nothing in the arena reads a clock."""
    return date.fromisoformat(db.execute("SELECT today FROM arena_world").fetchone()[0])
