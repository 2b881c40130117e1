"""What the back office's task builders need to know about a world, and the expert's common moves."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from services.arena.sites.admin import desk
from services.arena.task import Move, click, fill
from services.arena.web import PER_PAGE

if TYPE_CHECKING:
    from services.arena.world import World

T = TypeVar("T")
SEARCH_BOX = "Search the back office"
ADMIN = "__SHOPPING_ADMIN__"
SITES = ("shopping_admin",)


def some(rng: random.Random, things: Sequence[T], num: int) -> list[T]:
    """Up to `num` different things, in random order."""
    return rng.sample(list(things), min(num, len(things)))


def products(world: World) -> list[sqlite3.Row]:
    """All products with their units sold."""
    return world.query(
        "SELECT p.*, s.units FROM shop_products p JOIN admin_sold s ON s.product_id = p.id ORDER BY p.id"
    )


def orders(world: World, *statuses: str) -> list[sqlite3.Row]:
    """All orders, or those in one of the statuses, with their customer's data."""
    rows = world.query(
        "SELECT o.*, u.name AS customer, u.email, u.phone FROM shop_orders o"
        " JOIN shop_users u ON u.id = o.user_id ORDER BY o.id"
    )
    return [row for row in rows if not statuses or row["status"] in statuses]


def customers(world: World) -> list[sqlite3.Row]:
    """All customers."""
    return world.query("SELECT * FROM shop_users ORDER BY id")


def months(world: World) -> list[tuple[str, sqlite3.Row]]:
    """The months of the first page of their report, by the name that the page gives them."""
    rows = world.query("SELECT * FROM admin_months ORDER BY month DESC LIMIT 7")
    return [(desk.month_name(row["month"]), row) for row in rows]


def waiting(world: World) -> list[tuple[sqlite3.Row, tuple[Move, ...]]]:
    """The reviews to moderate, each with the moves that open it from any page."""
    rows = world.query(
        "SELECT r.*, p.name AS product FROM shop_reviews r JOIN shop_products p ON p.id = r.product_id"
        " WHERE r.status = 'pending' ORDER BY r.created DESC, r.id DESC"
    )
    found = []
    for place, row in enumerate(rows):
        pages = (click("link", "Next Page"),) * (place // PER_PAGE)
        found.append((row, (click("link", "Reviews"), *pages, click("link", f"{row['product']} by {row['nickname']}"))))
    return found


def look_up(words: str | int) -> tuple[Move, ...]:
    """Search for a product or customer and open it."""
    return (fill("searchbox", SEARCH_BOX, str(words), enter=True), click("link", str(words)))


def look_up_order(number: int) -> tuple[Move, ...]:
    """Search for an order and open it."""
    return (fill("searchbox", SEARCH_BOX, str(number), enter=True), click("link", f"Order {number}"))
