"""Buying: wish list, cart and checkout. A line never asks for more than is in stock."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.shop.content import PAYMENTS
from services.arena.web import NotFound, Visit

_LINES = """
SELECT p.*, l.quantity, l.quantity * p.price_cents AS line_cents
FROM shop_cart l JOIN shop_products p ON p.id = l.product_id WHERE l.user_id = ? ORDER BY l.rowid"""


def _posted_product(visit: Visit, product_id: str) -> sqlite3.Row:
    product = visit.db.one("SELECT * FROM shop_catalogue WHERE id = ?", product_id)
    if product is None:
        raise NotFound("We do not sell such a product.")
    return product


def put_in_cart(visit: Visit, product: sqlite3.Row, quantity: int) -> str:
    """Add `quantity` of a product to the cart; returns what to tell the customer."""
    user_id = visit.user_id
    held = visit.db.count("SELECT quantity FROM shop_cart WHERE user_id = ? AND product_id = ?", user_id, product["id"])
    if held + quantity > product["stock"]:
        return f"Sorry, we have only {product['stock']} of {product['name']} in stock."
    visit.db.write(
        "INSERT INTO shop_cart VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
        user_id,
        product["id"],
        quantity,
    )
    return f"You added {product['name']} to your cart."


def _quantity(text: str) -> int | None:
    """A whole number from 1 to 999, or None."""
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= 999 else None


async def cart(visit: Visit) -> Response:
    """What is in the cart."""
    lines = visit.db.rows(_LINES, visit.user_id)
    return visit.render("shop/cart.html", lines=lines, subtotal=sum(line["line_cents"] for line in lines))


async def add_to_cart(visit: Visit) -> Response:
    """POST: put a product into the cart."""
    form = await visit.form()
    product = _posted_product(visit, form.get("product_id", ""))
    quantity = _quantity(form.get("quantity", "1"))
    if quantity is None:
        return visit.redirect(f"/product/{product['slug']}", "Please give a quantity from 1 to 999.")
    message = put_in_cart(visit, product, quantity)
    return visit.redirect("/cart" if message.startswith("You") else f"/product/{product['slug']}", message)


async def update_cart(visit: Visit) -> Response:
    """POST: take over the quantities of the cart's form (0 removes a line)."""
    form = await visit.form()
    for line in visit.db.rows(_LINES, visit.user_id):
        text = form.get(f"quantity-{line['id']}", "")
        if text == "0":
            _drop_line(visit, line["id"])
            continue
        quantity = _quantity(text)
        if quantity is None or quantity > line["stock"]:
            return visit.redirect("/cart", f"Please give a quantity of {line['name']} from 0 to {line['stock']}.")
        visit.db.write(
            "UPDATE shop_cart SET quantity = ? WHERE user_id = ? AND product_id = ?",
            quantity,
            visit.user_id,
            line["id"],
        )
    return visit.redirect("/cart", "Your cart was updated.")


async def remove_from_cart(visit: Visit) -> Response:
    """POST: drop one line of the cart."""
    product = _posted_product(visit, (await visit.form()).get("product_id", ""))
    _drop_line(visit, product["id"])
    return visit.redirect("/cart", f"You removed {product['name']} from your cart.")


def _drop_line(visit: Visit, product_id: int) -> None:
    visit.db.write("DELETE FROM shop_cart WHERE user_id = ? AND product_id = ?", visit.user_id, product_id)


async def checkout(visit: Visit) -> Response:
    """The checkout form, and placing the order."""
    lines = visit.db.rows(_LINES, visit.user_id)
    if not lines:
        return visit.redirect("/cart", "Your cart is empty.")
    form = await visit.form() if visit.is_post else {}
    if visit.is_post:
        if form.get("payment") not in PAYMENTS:
            visit.flash("Please choose how you want to pay.")
        elif not (form.get("street") and form.get("city") and form.get("postcode")):
            visit.flash("Please fill in the whole delivery address.")
        else:
            order_id = _place_order(visit, lines, form)
            return visit.redirect(f"/orders/{order_id}", f"Thank you. Your order number is {order_id}.")
    items = sum(line["line_cents"] for line in lines)
    return visit.render(
        "shop/checkout.html",
        status=422 if visit.is_post else 200,
        lines=lines,
        items=items,
        shipping=_shipping(visit),
        payments=PAYMENTS,
        form=form,
    )


def _shipping(visit: Visit) -> int:
    return visit.db.count("SELECT shipping_cents FROM shop_info")


def _place_order(visit: Visit, lines: list[sqlite3.Row], form: dict[str, str]) -> int:
    items, shipping = sum(line["line_cents"] for line in lines), _shipping(visit)
    order_id = visit.db.count("SELECT MAX(id) FROM shop_orders") + 1
    visit.db.write(
        "INSERT INTO shop_orders VALUES (?, ?, ?, 'Pending', ?, ?, ?, ?, ?, ?, ?, '')",
        order_id,
        visit.user_id,
        visit.today.isoformat(),
        items,
        shipping,
        items + shipping,
        form["payment"],
        form["street"],
        form["city"],
        form["postcode"],
    )
    for line in lines:
        visit.db.write(
            "INSERT INTO shop_order_items VALUES (?, ?, ?, ?)",
            order_id,
            line["id"],
            line["quantity"],
            line["price_cents"],
        )
        visit.db.write("UPDATE shop_products SET stock = stock - ? WHERE id = ?", line["quantity"], line["id"])
        _drop_line(visit, line["id"])
    return order_id


async def wishlist(visit: Visit) -> Response:
    """The wish list."""
    sql = "SELECT p.* FROM shop_wishlist w JOIN shop_catalogue p ON p.id = w.product_id WHERE w.user_id = ?"
    return visit.render("shop/wishlist.html", page=visit.paged(sql + " ORDER BY p.name", visit.user_id))


async def add_to_wishlist(visit: Visit) -> Response:
    """POST: put a product onto the wish list."""
    product = _posted_product(visit, (await visit.form()).get("product_id", ""))
    visit.db.write("INSERT OR IGNORE INTO shop_wishlist VALUES (?, ?)", visit.user_id, product["id"])
    return visit.redirect("/wishlist", f"You added {product['name']} to your wish list.")


async def remove_from_wishlist(visit: Visit) -> Response:
    """POST: take a product off the wish list."""
    product = _posted_product(visit, (await visit.form()).get("product_id", ""))
    visit.db.write("DELETE FROM shop_wishlist WHERE user_id = ? AND product_id = ?", visit.user_id, product["id"])
    return visit.redirect("/wishlist", f"You removed {product['name']} from your wish list.")
