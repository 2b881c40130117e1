"""The customer's own pages: orders, account, address, and writing to the shop."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.shop.purchase import put_in_cart
from services.arena.web import NotFound, Visit

STATUSES = ("Pending", "Processing", "Shipped", "Delivered", "Cancelled")
OPEN = ("Pending", "Processing")
"""Statuses in which an order can still be cancelled or sent elsewhere."""
ADDRESS = ("street", "city", "postcode")


async def orders(visit: Visit) -> Response:
    """The customer's orders, the newest first, of one status if the address says so."""
    status = visit.query.get("status", "")
    page = visit.paged(
        "SELECT * FROM shop_orders WHERE user_id = ? AND (status = ? OR ? = '') ORDER BY placed DESC, id DESC",
        visit.user_id,
        status,
        status,
    )
    return visit.render("shop/orders.html", page=page, statuses=STATUSES, status_shown=status)


def _own_order(visit: Visit) -> sqlite3.Row:
    order = visit.db.one(
        "SELECT * FROM shop_orders WHERE id = ? AND user_id = ?", visit.params["order_id"], visit.user_id
    )
    if order is None:
        raise NotFound("You have no such order.")
    return order


def _items(visit: Visit, order_id: int) -> list[sqlite3.Row]:
    return visit.db.rows(
        "SELECT p.*, i.quantity, i.price_cents AS paid_cents FROM shop_order_items i"
        " JOIN shop_products p ON p.id = i.product_id WHERE i.order_id = ? ORDER BY i.rowid",
        order_id,
    )


async def order(visit: Visit) -> Response:
    """One order."""
    found = _own_order(visit)
    return visit.render(
        "shop/order.html", order=found, items=_items(visit, found["id"]), is_open=found["status"] in OPEN
    )


async def cancel_order(visit: Visit) -> Response:
    """POST: cancel an order that is not on its way yet."""
    found = _own_order(visit)
    if found["status"] not in OPEN:
        return visit.redirect(f"/orders/{found['id']}", "This order can no longer be cancelled.")
    visit.db.write("UPDATE shop_orders SET status = 'Cancelled' WHERE id = ?", found["id"])
    return visit.redirect(f"/orders/{found['id']}", f"Order {found['id']} was cancelled.")


async def reorder(visit: Visit) -> Response:
    """POST: put an old order's products into the cart."""
    found = _own_order(visit)
    for item in _items(visit, found["id"]):
        visit.flash(put_in_cart(visit, item, item["quantity"]))
    return visit.redirect("/cart")


async def order_address(visit: Visit) -> Response:
    """The delivery address of an open order, and changing it."""
    found = _own_order(visit)
    if found["status"] not in OPEN:
        return visit.redirect(f"/orders/{found['id']}", "This order is already on its way.")
    form = await visit.form() if visit.is_post else {name: found[name] for name in ADDRESS}
    if visit.is_post and all(form.get(name) for name in ADDRESS):
        visit.db.write(
            "UPDATE shop_orders SET street = ?, city = ?, postcode = ? WHERE id = ?",
            *(form[name] for name in ADDRESS),
            found["id"],
        )
        return visit.redirect(f"/orders/{found['id']}", "The delivery address was changed.")
    return visit.render("shop/address.html", form=form, heading=f"Delivery Address of Order {found['id']}")


async def account(visit: Visit) -> Response:
    """What the shop knows of the customer."""
    return visit.render("shop/account.html")


async def edit_account(visit: Visit) -> Response:
    """Name, e-mail, phone and newsletter, and changing them."""
    user = visit.db.one("SELECT * FROM shop_users WHERE id = ?", visit.user_id)
    form = await visit.form() if visit.is_post else dict(user or {})
    if visit.is_post:
        if not (form.get("name") and form.get("phone") and "@" in form.get("email", "")):
            visit.flash("Please fill in your name, a phone number and an e-mail address with an @.")
        else:
            visit.db.write(
                "UPDATE shop_users SET name = ?, email = ?, phone = ?, newsletter = ? WHERE id = ?",
                form["name"],
                form["email"],
                form["phone"],
                1 if form.get("newsletter") else 0,
                visit.user_id,
            )
            return visit.redirect("/account", "Your account was saved.")
    return visit.render("shop/edit_account.html", status=422 if visit.is_post else 200, form=form)


async def edit_address(visit: Visit) -> Response:
    """The customer's address, and changing it."""
    user = visit.db.one("SELECT street, city, postcode FROM shop_users WHERE id = ?", visit.user_id)
    form = await visit.form() if visit.is_post else dict(user or {})
    if visit.is_post and all(form.get(name) for name in ADDRESS):
        visit.db.write(
            "UPDATE shop_users SET street = ?, city = ?, postcode = ? WHERE id = ?",
            *(form[name] for name in ADDRESS),
            visit.user_id,
        )
        return visit.redirect("/account", "Your address was saved.")
    return visit.render("shop/address.html", form=form, heading="My Address")


async def contact(visit: Visit) -> Response:
    """How to reach the shop, and writing to it."""
    form = await visit.form() if visit.is_post else {}
    if visit.is_post:
        if not (form.get("name") and "@" in form.get("email", "") and form.get("message")):
            visit.flash("Please fill in your name, an e-mail address with an @, and a message.")
        else:
            visit.db.write(
                "INSERT INTO shop_messages (user_id, name, email, body, created) VALUES (?, ?, ?, ?, ?)",
                None if visit.user is None else visit.user_id,
                form["name"],
                form["email"],
                form["message"],
                visit.today.isoformat(),
            )
            target = "/contact" if visit.user is None else "/contact/messages"
            return visit.redirect(target, "Thank you. Your message was sent.")
    return visit.render(
        "shop/contact.html",
        status=422 if visit.is_post else 200,
        info=visit.db.one("SELECT * FROM shop_info"),
        form=form,
    )


async def messages(visit: Visit) -> Response:
    """What the customer has written to the shop, the newest first."""
    page = visit.paged("SELECT * FROM shop_messages WHERE user_id = ? ORDER BY id DESC", visit.user_id)
    return visit.render("shop/messages.html", page=page)
