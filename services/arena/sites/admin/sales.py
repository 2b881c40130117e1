"""The back office's pages about orders and customers."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.sites.admin.content import STATUSES
from services.arena.web import Visit

CUSTOMER_FIELDS = ("name", "email", "phone", "street", "city", "postcode")
ADDRESS_FIELDS = ("street", "city", "postcode")


async def orders(visit: Visit) -> Response:
    """All orders or those in one status, newest first."""
    wanted = visit.params.get("status", "").capitalize()
    if wanted and wanted not in STATUSES:
        return visit.not_found("There is no such status.")
    page = visit.paged(
        "SELECT o.*, u.name AS customer FROM shop_orders o JOIN shop_users u ON u.id = o.user_id"
        " WHERE ? IN ('', o.status) ORDER BY o.id DESC",
        wanted,
    )
    return visit.render(
        "admin/orders.html",
        heading=f"{wanted} orders" if wanted else "All orders",
        selections=[
            ("All orders", "/orders"),
            *((f"{s} orders", f"/orders/status/{s.lower()}") for s in STATUSES),
        ],
        page=page,
    )


async def order(visit: Visit) -> Response:
    """One order; posting changes its status and tracking number and adds a comment."""
    row = _order(visit)
    if row is None:
        return visit.not_found("There is no order with this number.")
    if visit.is_post:
        return await _update(visit, row)
    return visit.render(
        "admin/order.html",
        order=row,
        statuses=[(status, status) for status in STATUSES],
        items=visit.db.rows(
            "SELECT i.*, p.name FROM shop_order_items i JOIN shop_products p ON p.id = i.product_id"
            " WHERE i.order_id = ? ORDER BY p.name",
            row["id"],
        ),
        comments=visit.db.rows("SELECT * FROM admin_comments WHERE order_id = ? ORDER BY id DESC LIMIT 8", row["id"]),
    )


async def _update(visit: Visit, row: sqlite3.Row) -> Response:
    form = await visit.form()
    status = form.get("status", row["status"])
    if status not in STATUSES:
        return visit.redirect(visit.path, flash=f"Choose one of {', '.join(STATUSES)}.")
    visit.db.write(
        "UPDATE shop_orders SET status = ?, tracking = ? WHERE id = ?",
        status,
        form.get("tracking", row["tracking"]),
        row["id"],
    )
    if form.get("comment"):
        visit.db.write(
            "INSERT INTO admin_comments (order_id, author, body, created) VALUES (?, ?, ?, ?)",
            row["id"],
            visit.user["name"] if visit.user else "",
            form["comment"],
            visit.today.isoformat(),
        )
    return visit.redirect(visit.path, flash=f"Order {row['id']} was updated.")


async def address(visit: Visit) -> Response:
    """Change where an order goes."""
    row = _order(visit)
    if row is None:
        return visit.not_found("There is no order with this number.")
    if not visit.is_post:
        return visit.render("admin/order_address.html", order=row)
    form = await visit.form()
    values = [form.get(field) or row[field] for field in ADDRESS_FIELDS]
    visit.db.write("UPDATE shop_orders SET street = ?, city = ?, postcode = ? WHERE id = ?", *values, row["id"])
    return visit.redirect(f"/orders/{row['id']}", flash=f"The address of order {row['id']} was saved.")


async def customers(visit: Visit) -> Response:
    """Everyone who has an account with the shop, by name."""
    page = visit.paged("SELECT id, name, email, city FROM shop_users ORDER BY name")
    return visit.render("admin/customers.html", page=page)


async def customer(visit: Visit) -> Response:
    """One customer and their latest orders."""
    row = _customer(visit)
    if row is None:
        return visit.not_found("There is no customer with this number.")
    return visit.render(
        "admin/customer.html",
        customer=row,
        num_orders=visit.db.count("SELECT COUNT(*) FROM shop_orders WHERE user_id = ?", row["id"]),
        spent_cents=visit.db.count(
            "SELECT SUM(total_cents) FROM shop_orders WHERE user_id = ? AND status <> 'Cancelled'", row["id"]
        ),
        orders=visit.db.rows(
            "SELECT id, placed, status FROM shop_orders WHERE user_id = ? ORDER BY id DESC LIMIT 5", row["id"]
        ),
    )


async def customer_edit(visit: Visit) -> Response:
    """Change a customer's data."""
    row = _customer(visit)
    if row is None:
        return visit.not_found("There is no customer with this number.")
    if not visit.is_post:
        return visit.render("admin/customer_edit.html", customer=row)
    form = await visit.form()
    values = [form.get(field) or row[field] for field in CUSTOMER_FIELDS]
    visit.db.write(
        "UPDATE shop_users SET name = ?, email = ?, phone = ?, street = ?, city = ?, postcode = ?,"
        " newsletter = ? WHERE id = ?",
        *values,
        int(form.get("newsletter", str(row["newsletter"])) == "1"),
        row["id"],
    )
    return visit.redirect(f"/customers/{row['id']}", flash=f"{values[0]} was saved.")


def _order(visit: Visit) -> sqlite3.Row | None:
    return visit.db.one(
        "SELECT o.*, u.name AS customer FROM shop_orders o JOIN shop_users u ON u.id = o.user_id WHERE o.id = ?",
        visit.params["order"],
    )


def _customer(visit: Visit) -> sqlite3.Row | None:
    return visit.db.one("SELECT * FROM shop_users WHERE id = ?", visit.params["customer"])
