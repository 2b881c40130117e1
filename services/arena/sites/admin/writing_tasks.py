"""Tasks of the back office that change the shop: products, orders, customers, reviews."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.sites.admin.content import STATUSES
from services.arena.sites.admin.facts import (
    ADMIN,
    SITES,
    customers,
    look_up,
    look_up_order,
    orders,
    products,
    some,
    waiting,
)
from services.arena.task import Check, Draft, Move, Template, click, fill, page_has, stop, text_of

if TYPE_CHECKING:
    from services.arena.world import World

COMMENTS = (
    "The parcel waits at the {word} depot.",
    "Please send it to the {word} office.",
    "{word} Express will call before delivery.",
    "Ask {word} about the missing label.",
)
KINDS = ("Kettle", "Lantern", "Backpack", "Desk Lamp", "Wall Clock", "Teapot", "Notebook", "Speaker")


def _product_has(row: sqlite3.Row, css_class: str, text: str) -> Check:
    return page_has(f"{ADMIN}/products/{row['id']}", text_of(css_class), exact=text)


def _edit_product(row: sqlite3.Row) -> tuple[Move, ...]:
    return (*look_up(row["name"]), click("link", "Edit product"))


def set_price(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in some(rng, products(world), n):
        price = f"{rng.randrange(5, 250)}.{rng.choice((25, 49, 75, 95))}"
        script = (*_edit_product(row), fill("textbox", "Price", price, enter=True), stop("Done"))
        check = _product_has(row, ".shown-price", f"Price: ${price}")
        drafts.append(Draft({"product": row["name"], "price": price}, check, script))
    return drafts


def set_stock(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in some(rng, products(world), n):
        stock = rng.randrange(61, 300)
        script = (*_edit_product(row), fill("textbox", "Stock", str(stock), enter=True), stop("Done"))
        check = _product_has(row, ".shown-stock", f"Stock: {stock}")
        drafts.append(Draft({"product": row["name"], "stock": stock}, check, script))
    return drafts


def sold_out(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"product": row["name"]},
            _product_has(row, ".shown-stock", "Stock: 0"),
            (*_edit_product(row), fill("textbox", "Stock", "0", enter=True), stop("Done")),
        )
        for row in some(rng, [row for row in products(world) if row["stock"]], n)
    ]


def disable(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"product": row["name"]},
            _product_has(row, ".shown-status", "Status: Disabled"),
            (*_edit_product(row), click("radio", "Disabled"), click("button", "Save product"), stop("Done")),
        )
        for row in some(rng, [row for row in products(world) if row["enabled"]], n)
    ]


def rename(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = world.names(rng)
    drafts = []
    for row in some(rng, products(world), n):
        name = f"{names.brand()} {row['name'].split(' ', 1)[1]}"
        script = (*_edit_product(row), fill("textbox", "Name", name, enter=True), stop("Done"))
        drafts.append(Draft({"product": row["name"], "name": name}, _product_has(row, ".name", name), script))
    return drafts


def add_product(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = world.names(rng)
    categories = [row["name"] for row in world.query("SELECT name FROM shop_categories ORDER BY id")]
    number = world.query("SELECT MAX(id) + 1 FROM shop_products")[0][0]
    page = f"{ADMIN}/products/{number}"
    drafts = []
    for _ in range(n):
        name, category = f"{names.brand()} {rng.choice(KINDS)}", rng.choice(categories)
        price, stock = f"{rng.randrange(5, 250)}.{rng.choice((25, 49, 75, 95))}", rng.randrange(3, 300)
        checks = (
            page_has(page, text_of(".name"), exact=name),
            page_has(page, text_of(".shown-price"), exact=f"Price: ${price}"),
            page_has(page, text_of(".shown-stock"), exact=f"Stock: {stock}"),
            page_has(page, text_of(".shown-category"), exact=f"Category: {category}"),
        )
        script = (
            click("link", "Products"),
            click("link", "Add product"),
            fill("textbox", "Name", name),
            fill("textbox", "Price", price),
            fill("textbox", "Stock", str(stock)),
            click("radio", category),
            click("button", "Save product"),
            stop("Done"),
        )
        values: dict[str, str | int] = {"name": name, "category": category, "price": price, "stock": stock}
        drafts.append(Draft(values, checks, script))
    return drafts


def _set_status(row: sqlite3.Row, status: str, values: dict[str, str | int]) -> Draft:
    return Draft(
        values,
        page_has(f"{ADMIN}/orders/{row['id']}", text_of(".shown-status"), exact=f"Status: {status}"),
        (*look_up_order(row["id"]), click("radio", status), click("button", "Update order"), stop("Done")),
    )


def set_status(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in some(rng, orders(world, "Pending", "Processing", "Shipped", "Delivered"), n):
        status = rng.choice([status for status in STATUSES[:-1] if status != row["status"]])
        drafts.append(_set_status(row, status, {"order": row["id"], "status": status}))
    return drafts


def cancel(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = orders(world, "Pending", "Processing", "Shipped", "Delivered")
    return [_set_status(row, "Cancelled", {"order": row["id"]}) for row in some(rng, rows, n)]


def comment(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = world.names(rng)
    drafts = []
    for row in some(rng, orders(world), n):
        said = rng.choice(COMMENTS).format(word=names.brand())
        script = (*look_up_order(row["id"]), fill("textbox", "Comment", said, enter=True), stop("Done"))
        check = page_has(f"{ADMIN}/orders/{row['id']}", text_of(".comment"), exact=said)
        drafts.append(Draft({"comment": said, "order": row["id"]}, check, script))
    return drafts


def tracking(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for row in some(rng, orders(world, "Pending", "Processing"), n):
        number = f"TR{rng.randrange(100000, 999999)}"
        script = (*look_up_order(row["id"]), fill("textbox", "Tracking number", number, enter=True), stop("Done"))
        wanted = f"Tracking number: {number}"
        check = page_has(f"{ADMIN}/orders/{row['id']}", text_of(".shown-tracking"), exact=wanted)
        drafts.append(Draft({"order": row["id"], "number": number}, check, script))
    return drafts


def ship(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Status and tracking number at once."""
    drafts = []
    for row in some(rng, orders(world, "Pending", "Processing"), n):
        number, page = f"TR{rng.randrange(100000, 999999)}", f"{ADMIN}/orders/{row['id']}"
        checks = (
            page_has(page, text_of(".shown-status"), exact="Status: Shipped"),
            page_has(page, text_of(".shown-tracking"), exact=f"Tracking number: {number}"),
        )
        script = (
            *look_up_order(row["id"]),
            click("radio", "Shipped"),
            fill("textbox", "Tracking number", number),
            click("button", "Update order"),
            stop("Done"),
        )
        drafts.append(Draft({"order": row["id"], "number": number}, checks, script))
    return drafts


def order_address(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = world.names(rng)
    drafts = []
    for row in some(rng, orders(world, "Pending", "Processing"), n):
        street, city = f"{rng.randrange(1, 240)} {names.place()} Street", names.place()
        postcode = str(rng.randrange(10000, 99999))
        script = (
            *look_up_order(row["id"]),
            click("link", "Change address"),
            fill("textbox", "Street", street),
            fill("textbox", "City", city),
            fill("textbox", "Postcode", postcode, enter=True),
            stop("Done"),
        )
        wanted = f"Address: {street}, {city} {postcode}"
        check = page_has(f"{ADMIN}/orders/{row['id']}", text_of(".shown-address"), exact=wanted)
        values: dict[str, str | int] = {"order": row["id"], "street": street, "city": city, "postcode": postcode}
        drafts.append(Draft(values, check, script))
    return drafts


def _edit_customer(world: World, rng: random.Random, n: int, label: str) -> list[Draft]:
    names = world.names(rng)
    drafts = []
    for row in some(rng, customers(world), n):
        fresh_phone = next(p for p in iter(lambda: f"555-{rng.randrange(1000, 9999)}", "") if p != row["phone"])
        value = fresh_phone if label == "Phone" else f"{row['username']}@{names.word()}.test"
        script = (
            *look_up(row["name"]),
            click("link", "Edit customer"),
            fill("textbox", label, value, enter=True),
            stop("Done"),
        )
        page = f"{ADMIN}/customers/{row['id']}"
        check = page_has(page, text_of(f".shown-{label.lower()}"), exact=f"{label}: {value}")
        drafts.append(Draft({"customer": row["name"], "value": value}, check, script))
    return drafts


def customer_phone(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _edit_customer(world, rng, n, "Phone")


def customer_email(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _edit_customer(world, rng, n, "Email")


def newsletter(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"customer": row["name"]},
            page_has(f"{ADMIN}/customers/{row['id']}", text_of(".shown-newsletter"), exact="Newsletter: subscribed"),
            (
                *look_up(row["name"]),
                click("link", "Edit customer"),
                click("radio", "Subscribed"),
                click("button", "Save customer"),
                stop("Done"),
            ),
        )
        for row in some(rng, [row for row in customers(world) if not row["newsletter"]], n)
    ]


def _moderate(world: World, rng: random.Random, n: int, button: str, status: str) -> list[Draft]:
    return [
        Draft(
            {"product": row["product"], "nickname": row["nickname"]},
            page_has(f"{ADMIN}/reviews/{row['id']}", text_of(".shown-status"), exact=f"Status: {status}"),
            (*moves, click("button", button), stop("Done")),
        )
        for row, moves in some(rng, waiting(world), n)
    ]


def approve(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _moderate(world, rng, n, "Approve review", "approved")


def reject(world: World, rng: random.Random, n: int) -> list[Draft]:
    return _moderate(world, rng, n, "Reject review", "rejected")


TEMPLATES: list[Template] = [
    Template(240, SITES, "Change the price of {{product}} to ${{price}}.", set_price),
    Template(241, SITES, "Set the stock of {{product}} to {{stock}}.", set_stock),
    Template(242, SITES, "Mark {{product}} as out of stock: its stock is 0.", sold_out, held_out=True),
    Template(243, SITES, "Disable {{product}}, so that the shop does not show it.", disable),
    Template(244, SITES, 'Rename {{product}} to "{{name}}".', rename, held_out=True),
    Template(
        245,
        SITES,
        "Add a product named {{name}} to the category {{category}}, priced ${{price}}, with {{stock}} in stock.",
        add_product,
    ),
    Template(246, SITES, "Change the status of order {{order}} to {{status}}.", set_status),
    Template(247, SITES, "Cancel order {{order}}.", cancel, held_out=True),
    Template(248, SITES, 'Add the comment "{{comment}}" to order {{order}}.', comment),
    Template(249, SITES, "Order {{order}} has the tracking number {{number}}. Enter it.", tracking),
    Template(250, SITES, "Mark order {{order}} as Shipped with the tracking number {{number}}.", ship),
    Template(
        251,
        SITES,
        'Change the address of order {{order}}: street "{{street}}", city {{city}}, postcode {{postcode}}.',
        order_address,
        held_out=True,
    ),
    Template(252, SITES, "Change the phone number of {{customer}} to {{value}}.", customer_phone),
    Template(253, SITES, "Change the email of {{customer}} to {{value}}.", customer_email, held_out=True),
    Template(254, SITES, "Subscribe {{customer}} to the newsletter.", newsletter),
    Template(255, SITES, "Approve the review of {{product}} by {{nickname}}.", approve),
    Template(256, SITES, "Reject the review of {{product}} by {{nickname}}.", reject, held_out=True),
]
