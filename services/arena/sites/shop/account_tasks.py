"""Tasks about the customer's own orders and account (templates 140-159)."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.sites.shop import facts
from services.arena.sites.shop.account import OPEN, STATUSES
from services.arena.sites.shop.content import OWNER
from services.arena.task import (
    Check,
    Draft,
    Move,
    Template,
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

_SITE = ("shopping",)
_ACCOUNT = "__SHOPPING__/account"
_ASKS = (
    "When will order {order} arrive?",
    "Please call {name} about order {order}.",
    "I would like a receipt for order {order}, {name}.",
    "Do you have gift cards from {name}?",
)


def _order_facts(order: sqlite3.Row) -> dict[str, tuple[str, str]]:
    """What can be asked of an order: its words in the task, then (label, value) on the page."""
    found = {
        "total": ("Total", money(order["total_cents"])),
        "status": ("Status", order["status"]),
        "date": ("Date", long_date(order["placed"])),
        "payment": ("Payment", order["payment"]),
    }
    return {**found, "tracking number": ("Tracking", order["tracking"])} if order["tracking"] else found


def _order_info(world: World, rng: random.Random, n: int) -> list[Draft]:
    orders = facts.own_orders(world)
    asked = [(order, info) for order in orders for info in _order_facts(order)]
    drafts = []
    for place, (order, info) in enumerate(rng.sample(asked, len(asked))[:n]):
        if place % 8 == 4:
            number = 1200 + rng.randrange(700)
            why = not_applicable(f"The customer has no order {number}.")
            drafts.append(Draft({"info": info, "order": number}, why, (click("link", "My Orders"), stop("N/A"))))
            continue
        label, value = _order_facts(order)[info]
        script = (*facts.open_order(order["id"]), stop(value, f"{label}: {value}"))
        drafts.append(Draft({"info": info, "order": order["id"]}, exact(value), script))
    return drafts


def _latest(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for status in STATUSES:
        first = (click("link", "My Orders"), click("link", status))
        orders = facts.own_orders(world, f"status = '{status}'")
        if not orders:
            why = not_applicable(f"The customer has no order that is {status}.")
            ended = (*first, stop("N/A", "You have no such orders."))
            drafts.append(Draft({"info": "total", "status": status}, why, ended))
            continue
        for info in ("total", "date", "payment"):
            label, value = _order_facts(orders[0])[info]
            script = (*first, click("link", f"Order {orders[0]['id']}"), stop(value, f"{label}: {value}"))
            drafts.append(Draft({"info": info, "status": status}, exact(value), script))
    return rng.sample(drafts, len(drafts))[:n]


def _how_many(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for status in STATUSES:
        count = len(facts.own_orders(world, f"status = '{status}'"))
        script = (click("link", "My Orders"), click("link", status), stop(count))
        drafts.append(Draft({"status": status}, exact(count), script))
    return rng.sample(drafts, len(drafts))[:n]


def _open_orders(world: World) -> list[sqlite3.Row]:
    return [order for order in facts.own_orders(world) if order["status"] in OPEN]


def _status_is(order: sqlite3.Row, status: str) -> Check:
    return page_has(f"__SHOPPING__/orders/{order['id']}", text_of(".status"), exact=f"Status: {status}")


def _cancel(world: World, rng: random.Random, n: int) -> list[Draft]:
    orders = _open_orders(world)
    drafts = []
    for order in rng.sample(orders, len(orders))[:n]:
        others = [_status_is(other, other["status"]) for other in orders if other["id"] != order["id"]]
        script = (*facts.open_order(order["id"]), click("button", "Cancel Order"), stop("Done"))
        drafts.append(Draft({"order": order["id"]}, (_status_is(order, "Cancelled"), *others), script))
    return drafts


def _redirect(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for place in range(n):
        order = _open_orders(world)[place % len(_open_orders(world))]
        street, city, postcode = facts.new_address(world, rng)
        script = (
            *facts.open_order(order["id"]),
            click("link", "Edit Delivery Address"),
            *facts.fill_address(street, city, postcode),
            click("button", "Save Address"),
            stop("Done"),
        )
        check = page_has(
            f"__SHOPPING__/orders/{order['id']}",
            text_of(".ship-to"),
            exact=f"Ship to: {street}, {city} {postcode}",
        )
        values: dict[str, str | int] = {"order": order["id"], "street": street, "city": city, "postcode": postcode}
        drafts.append(Draft(values, check, script))
    return drafts


def _reorder(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for order in facts.own_orders(world):
        items = world.query(
            "SELECT i.*, p.stock FROM shop_order_items i JOIN shop_products p ON p.id = i.product_id"
            " WHERE order_id = ?",
            order["id"],
        )
        if any(item["quantity"] > item["stock"] for item in items):
            continue
        lines = tuple(
            page_has(
                "__SHOPPING__/cart",
                f'document.querySelector("#quantity-{item["product_id"]}").value',
                exact=str(item["quantity"]),
            )
            for item in items
        )
        count = sum(item["quantity"] for item in items)
        whole = page_has("__SHOPPING__/cart", text_of(".cart-items"), exact=f"Items in cart: {count}")
        script = (*facts.open_order(order["id"]), click("button", "Reorder"), stop("Done"))
        drafts.append(Draft({"order": order["id"]}, (*lines, whole), script))
    return rng.sample(drafts, len(drafts))[:n]


def _account_info(world: World, rng: random.Random, n: int) -> list[Draft]:
    user = facts.owner(world)
    shown = {
        "phone number": ("Phone", user["phone"]),
        "e-mail address": ("E-mail", user["email"]),
        "street": ("Street", user["street"]),
        "city": ("City", user["city"]),
        "postcode": ("Postcode", user["postcode"]),
    }
    first = click("link", "My Account")
    drafts = [
        Draft({"field": field}, exact(value), (first, stop(value, f"{label}: {value}")))
        for field, (label, value) in shown.items()
    ]
    absent = rng.choice(("birthday", "shoe size"))
    drafts.append(Draft({"field": absent}, not_applicable(f"The shop keeps no {absent}."), (first, stop("N/A"))))
    return rng.sample(drafts, len(drafts))[:n]


def _edit(field: str, text: str) -> tuple[Move, ...]:
    return (
        click("link", "My Account"),
        click("link", "Edit Account"),
        fill("textbox", field, text),
        click("button", "Save Account"),
        stop("Done"),
    )


def _phone(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for number in rng.sample(range(1000, 9999), n):
        phone = f"555-{number}"
        check = page_has(_ACCOUNT, text_of(".phone"), exact=f"Phone: {phone}")
        if phone != facts.owner(world)["phone"]:
            drafts.append(Draft({"phone": phone}, check, _edit("Phone", phone)))
    return drafts


def _name(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = world.names(rng)
    drafts = []
    for _ in range(n):
        name = names.full_name()
        check = page_has(_ACCOUNT, text_of(".fact.name"), exact=f"Name: {name}")
        drafts.append(Draft({"name": name}, check, _edit("Name", name)))
    return drafts


def _email(world: World, rng: random.Random, n: int) -> list[Draft]:
    names = world.names(rng)
    drafts = []
    for _ in range(n):
        email = f"{names.word()}@{names.word()}.test"
        check = page_has(_ACCOUNT, text_of(".email"), exact=f"E-mail: {email}")
        drafts.append(Draft({"email": email}, check, _edit("E-mail", email)))
    return drafts


def _move_house(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for _ in range(n):
        street, city, postcode = facts.new_address(world, rng)
        script = (
            click("link", "My Account"),
            click("link", "Edit Address"),
            *facts.fill_address(street, city, postcode),
            click("button", "Save Address"),
            stop("Done"),
        )
        checks = tuple(
            page_has(_ACCOUNT, text_of(f".{label.lower()}"), exact=f"{label}: {value}")
            for label, value in (("Street", street), ("City", city), ("Postcode", postcode))
        )
        drafts.append(Draft({"street": street, "city": city, "postcode": postcode}, checks, script))
    return drafts


def _newsletter(_world: World, rng: random.Random, n: int) -> list[Draft]:
    check = page_has(_ACCOUNT, text_of(".newsletter"), exact="Newsletter: Subscribed")
    script = (
        click("link", "My Account"),
        click("link", "Edit Account"),
        click("checkbox", "Subscribe to the newsletter"),
        click("button", "Save Account"),
        stop("Done"),
    )
    return [Draft({}, check, script, start=start) for start in rng.sample(("/", "/orders", "/cart", "/contact"), 4)[:n]]


def _message(world: World, rng: random.Random, n: int) -> list[Draft]:
    orders, names = facts.own_orders(world), world.names(rng)
    drafts = []
    for _ in range(n):
        text = rng.choice(_ASKS).format(order=rng.choice(orders)["id"], name=names.full_name())
        script = (
            click("link", "Contact Us"),
            fill("textbox", "Message", text),
            click("button", "Send Message"),
            stop("Done"),
        )
        check = page_has("__SHOPPING__/contact/messages", text_of(".message"), exact=text)
        drafts.append(Draft({"message": text}, check, script))
    return list({str(draft.values): draft for draft in drafts}.values())


def _hotline(world: World, _rng: random.Random, n: int) -> list[Draft]:
    phone = world.query("SELECT phone FROM shop_info")[0][0]
    return [Draft({}, exact(phone), (stop(phone, f"Customer service: {phone}"),))][:n]


def _sign_in(world: World, rng: random.Random, n: int) -> list[Draft]:
    users = world.query("SELECT * FROM shop_users WHERE id <> ? ORDER BY id", OWNER)
    drafts = []
    for user in rng.sample(users, len(users))[:n]:
        script = (
            click("link", "Sign In"),
            fill("textbox", "User Name", user["username"]),
            fill("textbox", "Password", user["password"]),
            click("button", "Sign In"),
            stop("Done"),
        )
        check = page_has(_ACCOUNT, text_of(".fact.name"), exact=f"Name: {user['name']}")
        drafts.append(Draft({"username": user["username"], "password": user["password"]}, check, script))
    return drafts


TEMPLATES = [
    Template(140, _SITE, "What is the {{info}} of order {{order}}?", _order_info),
    Template(141, _SITE, "What is the {{info}} of my latest {{status}} order?", _latest, held_out=True),
    Template(142, _SITE, "How many of my orders are {{status}}?", _how_many),
    Template(143, _SITE, "Cancel order {{order}}.", _cancel, held_out=True),
    Template(
        144,
        _SITE,
        "Change the delivery address of order {{order}}: street {{street}}, city {{city}}, postcode {{postcode}}",
        _redirect,
    ),
    Template(145, _SITE, "Order the same things as in order {{order}} again: put them into my cart.", _reorder),
    Template(146, _SITE, "What {{field}} does the shop have in my account?", _account_info),
    Template(147, _SITE, "Change my phone number to {{phone}}.", _phone),
    Template(148, _SITE, 'Change the name on my account to "{{name}}"', _name),
    Template(149, _SITE, "Change my e-mail address to {{email}}", _email, held_out=True),
    Template(
        150,
        _SITE,
        "I moved. Change my address: street {{street}}, city {{city}}, postcode {{postcode}}",
        _move_house,
    ),
    Template(151, _SITE, "Subscribe me to the newsletter.", _newsletter, held_out=True),
    Template(152, _SITE, 'Send the shop the message "{{message}}"', _message),
    Template(153, _SITE, "Which number can I call for customer service?", _hotline),
    Template(
        154,
        _SITE,
        'Sign in as "{{username}}" with the password "{{password}}"',
        _sign_in,
        signed_in=False,
    ),
]
