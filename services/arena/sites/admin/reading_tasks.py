"""Tasks of the back office that are solved by reading: facts of products, orders, customers, and reports."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import TYPE_CHECKING

from services.arena.sites.admin.content import STATUSES
from services.arena.sites.admin.facts import (
    ADMIN,
    SEARCH_BOX,
    SITES,
    customers,
    look_up,
    look_up_order,
    months,
    orders,
    products,
    some,
    waiting,
)
from services.arena.task import (
    Draft,
    Move,
    Template,
    at_url,
    click,
    exact,
    fill,
    not_applicable,
    page_has,
    stop,
    text_of,
)
from services.arena.web import long_date, money

if TYPE_CHECKING:
    from services.arena.world import World

LISTS = (
    ("products", "/products", "Products"),
    ("orders", "/orders", "Orders"),
    ("customers", "/customers", "Customers"),
    ("reviews", "/reviews", "Reviews"),
    ("reports", "/reports", "Reports"),
)
NOT_KEPT = ("birthday", "fax number", "tax number", "company name", "favourite colour")


def _answer(moves: tuple[Move, ...], label: str, value: str | int, /, **values: str | int) -> Draft:
    return Draft(values, exact(value), (*moves, stop(value, f"{label}: {value}")))


def fact_of_product(world: World, rng: random.Random, n: int) -> list[Draft]:
    labels = (("SKU", "sku"), ("brand", "brand"))
    choices = [(row, label, column) for row in products(world) for label, column in labels]
    return [
        _answer(look_up(row["name"]), _capital(label), row[column], label=label, product=row["name"])
        for row, label, column in some(rng, choices, n)
    ]


def stock_of_product(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up(row["name"]), "Stock", row["stock"], product=row["name"])
        for row in some(rng, products(world), n)
    ]


def units_sold(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up(row["name"]), "Units sold", row["units"], product=row["name"])
        for row in some(rng, products(world), n)
    ]


def status_of_order(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up_order(row["id"]), "Status", row["status"], order=row["id"])
        for row in some(rng, orders(world), n)
    ]


def total_of_order(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up_order(row["id"]), "Total", money(row["total_cents"]), order=row["id"])
        for row in some(rng, orders(world), n)
    ]


def customer_of_order(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up_order(row["id"]), "Customer", row["customer"], order=row["id"])
        for row in some(rng, orders(world), n)
    ]


def email_of_customer(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up(row["name"]), "Email", row["email"], customer=row["name"])
        for row in some(rng, customers(world), n)
    ]


def phone_of_customer(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up(row["name"]), "Phone", row["phone"], customer=row["name"])
        for row in some(rng, customers(world), n)
    ]


def customer_since(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        _answer(look_up(row["name"]), "Customer since", long_date(row["joined"]), customer=row["name"])
        for row in some(rng, customers(world), n)
    ]


def phone_of_buyer(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Two hops: from an order to its customer."""
    return [
        _answer(
            (*look_up_order(row["id"]), click("link", f"Customer: {row['customer']}")),
            "Phone",
            row["phone"],
            order=row["id"],
        )
        for row in some(rng, orders(world), n)
    ]


def customer_by_phone(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = customers(world)
    phones = [row["phone"] for row in rows]
    return [
        Draft(
            {"phone": row["phone"]},
            exact(row["name"]),
            (fill("searchbox", SEARCH_BOX, row["phone"], enter=True), stop(row["name"], row["name"])),
        )
        for row in some(rng, [row for row in rows if phones.count(row["phone"]) == 1], n)
    ]


def best_seller(world: World, rng: random.Random, n: int) -> list[Draft]:
    rows = world.query("SELECT * FROM admin_sold ORDER BY units DESC, name LIMIT 8")
    moves = (click("link", "Reports"), click("link", "Best sellers"))
    drafts = [_answer(moves, f"Number {rank}", row["name"], rank=rank) for rank, row in enumerate(rows, 1)]
    return some(rng, drafts, n)


def orders_in_month(world: World, rng: random.Random, n: int) -> list[Draft]:
    moves = (click("link", "Reports"), click("link", "Orders by month"))
    return [
        _answer(moves, f"Orders in {month}", row["num_orders"], month=month)
        for month, row in some(rng, months(world), n)
    ]


def revenue_in_month(world: World, rng: random.Random, n: int) -> list[Draft]:
    moves = (click("link", "Reports"), click("link", "Orders by month"))
    return [
        _answer(moves, f"Revenue in {month}", money(row["revenue_cents"]), month=month)
        for month, row in some(rng, months(world), n)
    ]


def on_dashboard(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Counts that the start page shows: nothing to do but to read."""
    counted = dict.fromkeys(STATUSES, 0) | {
        row["status"]: row["num"]
        for row in world.query("SELECT status, COUNT(*) AS num FROM shop_orders GROUP BY status")
    }
    drafts = [_answer((), f"{status} orders", num, what=f"{status.lower()} orders") for status, num in counted.items()]
    sold_out = world.query("SELECT COUNT(*) FROM shop_products WHERE stock = 0")[0][0]
    drafts.append(_answer((), "Products out of stock", sold_out, what="products out of stock"))
    drafts.append(_answer((), "Reviews waiting", len(waiting(world)), what="reviews waiting"))
    return some(rng, drafts, n)


def orders_in_status(_world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"status": status.lower()},
            at_url(f"{ADMIN}/orders/status/{status.lower()}"),
            (click("link", "Orders"), click("link", f"{status} orders"), stop("Done")),
        )
        for status in some(rng, STATUSES, n)
    ]


def open_list(_world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft({"what": what}, at_url(f"{ADMIN}{path}"), (click("link", link), stop("Done")))
        for what, path, link in some(rng, LISTS, n)
    ]


def orders_report(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Fill two dates into the report's form."""
    drafts = []
    for _ in range(n):
        first: date = world.today - timedelta(days=rng.randrange(60, 330))
        last = first + timedelta(days=rng.randrange(20, 60))
        script = (
            click("link", "Reports"),
            click("link", "Orders report"),
            fill("textbox", "From", first.isoformat()),
            fill("textbox", "To", last.isoformat(), enter=True),
            stop("Done"),
        )
        check = page_has("last", text_of(".period"), exact=f"Orders from {first} to {last}")
        drafts.append(Draft({"first": first.isoformat(), "last": last.isoformat()}, check, script))
    return drafts


def fact_not_kept(world: World, rng: random.Random, n: int) -> list[Draft]:
    """The shop never asked its customers for this: look, then give up."""
    drafts = []
    for row in some(rng, customers(world), n):
        missing = rng.choice(NOT_KEPT)
        why = f"The back office keeps no {missing} of any customer."
        values: dict[str, str | int] = {"missing": missing, "customer": row["name"]}
        drafts.append(Draft(values, not_applicable(why), (*look_up(row["name"]), stop("N/A"))))
    return drafts


def sign_in(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Start without a session: sign in with the credentials given, then open a list."""
    staff = world.query("SELECT * FROM admin_users ORDER BY id")
    choices = [(user, *entry) for user in staff for entry in LISTS]
    return [
        Draft(
            {"username": user["username"], "password": user["password"], "what": what},
            at_url(f"{ADMIN}{path}"),
            (
                fill("textbox", "User Name", user["username"]),
                fill("textbox", "Password", user["password"]),
                click("button", "Sign In"),
                click("link", link),
                stop("Done"),
            ),
            start="/login",
        )
        for user, what, path, link in some(rng, choices, n)
    ]


def _capital(label: str) -> str:
    return label[0].upper() + label[1:]


TEMPLATES: list[Template] = [
    Template(200, SITES, "What is the {{label}} of {{product}}?", fact_of_product),
    Template(201, SITES, "How many units of {{product}} are in stock?", stock_of_product, held_out=True),
    Template(202, SITES, "How many units of {{product}} have we sold?", units_sold),
    Template(203, SITES, "What is the status of order {{order}}?", status_of_order),
    Template(204, SITES, "What is the total of order {{order}}?", total_of_order, held_out=True),
    Template(205, SITES, "Which customer placed order {{order}}?", customer_of_order),
    Template(206, SITES, "What is the email of the customer {{customer}}?", email_of_customer),
    Template(207, SITES, "What is the phone number of {{customer}}?", phone_of_customer, held_out=True),
    Template(208, SITES, "Since when has {{customer}} been our customer?", customer_since),
    Template(209, SITES, "What is the phone number of the customer who placed order {{order}}?", phone_of_buyer),
    Template(210, SITES, "Find the customer with the phone number {{phone}} and tell me the name.", customer_by_phone),
    Template(211, SITES, "Which product is number {{rank}} among our best sellers?", best_seller),
    Template(212, SITES, "How many orders were placed in {{month}}?", orders_in_month),
    Template(213, SITES, "What was our revenue in {{month}}?", revenue_in_month, held_out=True),
    Template(214, SITES, "How many {{what}} are there?", on_dashboard),
    Template(215, SITES, "Show all {{status}} orders.", orders_in_status),
    Template(216, SITES, "Open the list of {{what}}.", open_list),
    Template(217, SITES, "Create an orders report from {{first}} to {{last}}.", orders_report),
    Template(218, SITES, "What is the {{missing}} of {{customer}}?", fact_not_kept, held_out=True),
    Template(
        219,
        SITES,
        "Sign in as {{username}} with the password {{password}} and open the list of {{what}}.",
        sign_in,
        signed_in=False,
    ),
]
