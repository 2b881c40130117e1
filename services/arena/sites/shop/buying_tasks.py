"""Tasks of choosing and buying: cart, wish list, checkout, reviews (templates 110-119)."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.sites.shop import facts
from services.arena.sites.shop.content import NUM_ORDERS, OWNER, PAYMENTS
from services.arena.task import Check, Draft, Template, click, fill, not_applicable, page_has, stop, text_of
from services.arena.web import money

if TYPE_CHECKING:
    from services.arena.world import World

_SITE = ("shopping",)
_PRAISE = ("Lovely", "Fine", "Handy", "Sturdy", "Simple")
_OPINIONS = (
    "I use my {word} every day.",
    "It came with a {word} and works well.",
    "My friend {word} likes it too.",
    "Better than the {word} that I had before.",
)


def cart_holds(product: sqlite3.Row, quantity: int) -> tuple[Check, ...]:
    """The cart has this much of this product, and nothing else."""
    return (
        page_has(
            "__SHOPPING__/cart", f'document.querySelector("#quantity-{product["id"]}").value', exact=str(quantity)
        ),
        page_has("__SHOPPING__/cart", text_of(".cart-items"), exact=f"Items in cart: {quantity}"),
    )


def _add_one(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for place, product in enumerate(facts.products(world, rng, "stock > 0")[:n]):
        if place % 8 == 1:
            name = facts.missing_product(world, rng)
            looked = (facts.look_for(name), stop("N/A", "No products match your search."))
            drafts.append(Draft({"product": name}, not_applicable(f"The shop does not sell {name}."), looked))
            continue
        script = (*facts.open_product(product["name"]), click("button", "Add to Cart"), stop("Done"))
        drafts.append(Draft({"product": product["name"]}, cart_holds(product, 1), script))
    return drafts


def _add_some(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for product in facts.products(world, rng, "stock > 9")[:n]:
        quantity = rng.randint(2, 9)
        script = (
            *facts.open_product(product["name"]),
            fill("textbox", "Quantity", str(quantity)),
            click("button", "Add to Cart"),
            stop("Done"),
        )
        values: dict[str, str | int] = {"quantity": quantity, "product": product["name"]}
        drafts.append(Draft(values, cart_holds(product, quantity), script))
    return drafts


def _listed(world: World) -> list[sqlite3.Row]:
    return world.query(
        "SELECT p.* FROM shop_wishlist w JOIN shop_catalogue p ON p.id = w.product_id"
        " WHERE w.user_id = ? ORDER BY p.id",
        OWNER,
    )


def _wishlist_becomes(world: World, change: int, names: list[str]) -> tuple[Check, ...]:
    count = len(_listed(world)) + change
    return (
        page_has("__SHOPPING__/wishlist", text_of("#wishlist"), includes=names),
        page_has("__SHOPPING__/wishlist", text_of(".wishlist-count"), exact=f"Products: {count}"),
    )


def _wish(world: World, rng: random.Random, n: int) -> list[Draft]:
    unlisted = f"id NOT IN (SELECT product_id FROM shop_wishlist WHERE user_id = {OWNER})"  # noqa: S608
    drafts = []
    for product in facts.products(world, rng, unlisted)[:n]:
        script = (*facts.open_product(product["name"]), click("button", "Add to Wish List"), stop("Done"))
        checks = _wishlist_becomes(world, +1, [product["name"]])
        drafts.append(Draft({"product": product["name"]}, checks, script))
    return drafts


def _wish_this(world: World, rng: random.Random, n: int) -> list[Draft]:
    unlisted = f"id NOT IN (SELECT product_id FROM shop_wishlist WHERE user_id = {OWNER})"  # noqa: S608
    return [
        Draft(
            {},
            _wishlist_becomes(world, +1, [product["name"]]),
            (click("button", "Add to Wish List"), stop("Done")),
            start=f"/product/{product['slug']}",
        )
        for product in facts.products(world, rng, unlisted)[:n]
    ]


def _unwish(world: World, rng: random.Random, n: int) -> list[Draft]:
    listed = _listed(world)
    drafts = []
    for product in rng.sample(listed, len(listed))[:n]:
        others = [other["name"] for other in listed if other["id"] != product["id"]]
        script = (click("link", "Wish List"), click("button", f"Remove {product['name']}"), stop("Done"))
        drafts.append(Draft({"product": product["name"]}, _wishlist_becomes(world, -1, others), script))
    return drafts


def _wish_to_cart(world: World, rng: random.Random, n: int) -> list[Draft]:
    listed = [product for product in _listed(world) if product["stock"] > 0]
    return [
        Draft(
            {"product": product["name"]},
            cart_holds(product, 1),
            (click("link", "Wish List"), click("button", f"Add {product['name']} to Cart"), stop("Done")),
        )
        for product in rng.sample(listed, len(listed))[:n]
    ]


def order_shows(order_id: int, total_cents: int, payment: str, lines: list[str]) -> tuple[Check, ...]:
    """The order exists with this total, payment and item texts."""
    url = f"__SHOPPING__/orders/{order_id}"
    return (
        page_has(url, text_of(".total"), exact=f"Total: {money(total_cents)}"),
        page_has(url, text_of(".payment"), exact=f"Payment: {payment}"),
        page_has(url, text_of("main"), includes=lines),
    )


def _buy(world: World, rng: random.Random, n: int) -> list[Draft]:
    shipping = world.query("SELECT shipping_cents FROM shop_info")[0][0]
    drafts = []
    for product in facts.products(world, rng, "stock > 5")[:n]:
        quantity, payment = rng.randint(2, 5), rng.choice(PAYMENTS)
        script = (
            *facts.open_product(product["name"]),
            fill("textbox", "Quantity", str(quantity)),
            click("button", "Add to Cart"),
            click("link", "Proceed to Checkout"),
            click("radio", payment),
            click("button", "Place Order"),
            stop("Done"),
        )
        total = quantity * product["price_cents"] + shipping
        lines = [product["name"], f"Quantity: {quantity}"]
        checks = order_shows(1001 + NUM_ORDERS, total, payment, lines)
        values: dict[str, str | int] = {"quantity": quantity, "product": product["name"], "payment": payment}
        drafts.append(Draft(values, checks, script))
    return drafts


def _review(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    nickname = facts.owner(world)["name"].split()[0]
    names = world.names(rng)
    for product in facts.products(world, rng)[:n]:
        stars = rng.randint(1, 5)
        title = f"{rng.choice(_PRAISE)} {names.word()}"
        text = rng.choice(_OPINIONS).format(word=names.word())
        script = (
            *facts.open_product(product["name"]),
            click("link", "Write a Review"),
            click("radio", "1 star" if stars == 1 else f"{stars} stars"),
            fill("textbox", "Title", title),
            fill("textbox", "Review", text),
            click("button", "Submit Review"),
            stop("Done"),
        )
        shown = [title, text, f"Stars from {nickname}: {stars}"]
        check = page_has(f"__SHOPPING__/product/{product['slug']}", text_of(".review"), includes=shown)
        given = "1 star" if stars == 1 else f"{stars} stars"
        values: dict[str, str | int] = {"stars": given, "product": product["name"], "title": title, "text": text}
        drafts.append(Draft(values, check, script))
    return drafts


TEMPLATES = [
    Template(110, _SITE, "Add {{product}} to my cart.", _add_one),
    Template(111, _SITE, "Add {{quantity}} of {{product}} to my cart.", _add_some),
    Template(112, _SITE, "Add {{product}} to my wish list.", _wish),
    Template(113, _SITE, "Add this product to my wish list.", _wish_this),
    Template(114, _SITE, "Remove {{product}} from my wish list.", _unwish, held_out=True),
    Template(115, _SITE, "Put {{product}} from my wish list into my cart.", _wish_to_cart),
    Template(116, _SITE, 'Buy {{quantity}} of {{product}} and choose "{{payment}}" as payment.', _buy),
    Template(
        117,
        _SITE,
        'Write a review of {{product}}: give it {{stars}}, with the title "{{title}}" and the review "{{text}}"',
        _review,
    ),
]
