"""What the shop's task builders share: rows of the world, and moves that many experts begin with."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.sites.shop.content import OWNER
from services.arena.sites.shop.vocabulary import CATEGORIES
from services.arena.task import Move, click, fill

if TYPE_CHECKING:
    from services.arena.world import World

SEARCH = "Search products"


def products(world: World, rng: random.Random, where: str = "1") -> list[sqlite3.Row]:
    """The catalogue's products for which `where` holds, shuffled."""
    found = world.query(f"SELECT * FROM shop_catalogue WHERE {where} ORDER BY id")  # noqa: S608
    return rng.sample(found, len(found))


def own_orders(world: World, where: str = "1") -> list[sqlite3.Row]:
    """The signed-in customer's orders for which `where` holds, the newest first."""
    sql = f"SELECT * FROM shop_orders WHERE user_id = ? AND {where} ORDER BY placed DESC, id DESC"  # noqa: S608
    return world.query(sql, OWNER)


def owner(world: World) -> sqlite3.Row:
    """The signed-in customer."""
    return world.query("SELECT * FROM shop_users WHERE id = ?", OWNER)[0]


def missing_product(world: World, rng: random.Random) -> str:
    """The name of a product that the shop could sell but does not."""
    kind = rng.choice(CATEGORIES[rng.choice(list(CATEGORIES))])
    return f"{world.names(rng).brand()} {kind}"


def new_address(world: World, rng: random.Random) -> tuple[str, str, str]:
    """Street, city and postcode of a place that the world does not know yet."""
    names = world.names(rng)
    street = f"{rng.randrange(1, 240)} {names.place()} {rng.choice(('Street', 'Road', 'Avenue', 'Lane'))}"
    return street, names.place(), str(rng.randrange(10000, 99999))


def look_for(name: str) -> Move:
    """Search for a product."""
    return fill("searchbox", SEARCH, name, enter=True)


def open_product(name: str) -> tuple[Move, ...]:
    """Search for a product and open its page."""
    return look_for(name), click("link", name)


def open_order(order_id: int) -> tuple[Move, ...]:
    """Open one of the customer's orders."""
    return click("link", "My Orders"), click("link", f"Order {order_id}")


def fill_address(street: str, city: str, postcode: str) -> tuple[Move, ...]:
    """Fill in the address form."""
    return fill("textbox", "Street", street), fill("textbox", "City", city), fill("textbox", "Postcode", postcode)
