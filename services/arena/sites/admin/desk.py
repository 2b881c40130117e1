"""The back office's front page, its search, the moderation of reviews, and reports."""

from __future__ import annotations

import sqlite3
from datetime import date

from starlette.responses import Response

from services.arena.sites.admin.content import STATUSES
from services.arena.web import Visit

REVIEW_STATUSES = ("pending", "approved", "rejected")
SELECT_REVIEW = "SELECT r.*, p.name AS product FROM shop_reviews r JOIN shop_products p ON p.id = r.product_id"


async def dashboard(visit: Visit) -> Response:
    """What needs doing today, and the latest orders."""
    return visit.render(
        "admin/dashboard.html",
        counts=[
            (status, visit.db.count("SELECT COUNT(*) FROM shop_orders WHERE status = ?", status)) for status in STATUSES
        ],
        waiting=visit.db.count("SELECT COUNT(*) FROM shop_reviews WHERE status = 'pending'"),
        sold_out=visit.db.count("SELECT COUNT(*) FROM shop_products WHERE stock = 0"),
        num_customers=visit.db.count("SELECT COUNT(*) FROM shop_users"),
        orders=visit.db.rows(
            "SELECT o.*, u.name AS customer FROM shop_orders o JOIN shop_users u ON u.id = o.user_id"
            " ORDER BY o.id DESC LIMIT 5"
        ),
    )


async def search(visit: Visit) -> Response:
    """Products by name or SKU, orders by number, customers by name, email or phone."""
    words = visit.query.get("q", "").strip().lower()
    number = words.removeprefix("order").lstrip(" #")
    page = visit.paged(
        "SELECT name AS title, '/products/' || id AS href, 'Product' AS note FROM shop_products"
        " WHERE instr(lower(name), ?1) OR lower(sku) = ?1"
        " UNION ALL SELECT 'Order ' || id, '/orders/' || id, 'Order' FROM shop_orders WHERE id = ?2"
        " UNION ALL SELECT name, '/customers/' || id, 'Customer' FROM shop_users"
        " WHERE instr(lower(name), ?1) OR lower(email) = ?1 OR phone = ?1 ORDER BY 1",
        words,
        int(number) if number.isascii() and number.isdigit() and len(number) < 10 else -1,
    )
    return visit.render("admin/search.html", words=words, page=page)


async def reviews(visit: Visit) -> Response:
    """The reviews in one status, newest first."""
    status = visit.params.get("status", "pending")
    if status not in REVIEW_STATUSES:
        return visit.not_found("There is no such status.")
    return visit.render(
        "admin/reviews.html",
        heading=f"{status.capitalize()} reviews",
        selections=[(f"{known.capitalize()} reviews", f"/reviews/status/{known}") for known in REVIEW_STATUSES],
        page=visit.paged(f"{SELECT_REVIEW} WHERE r.status = ? ORDER BY r.created DESC, r.id DESC", status),
    )


async def review(visit: Visit) -> Response:
    """One review; posting approves or rejects it."""
    row = visit.db.one(f"{SELECT_REVIEW} WHERE r.id = ?", visit.params["review"])
    if row is None:
        return visit.not_found("There is no review with this number.")
    if not visit.is_post:
        return visit.render("admin/review.html", review=row)
    verdict = (await visit.form()).get("verdict", "")
    if verdict not in REVIEW_STATUSES:
        return visit.redirect(visit.path, flash="Choose whether to approve or to reject the review.")
    visit.db.write("UPDATE shop_reviews SET status = ? WHERE id = ?", verdict, row["id"])
    return visit.redirect(visit.path, flash=f"The review by {row['nickname']} is {verdict} now.")


async def best_sellers(visit: Visit) -> Response:
    """The eight products sold most, of orders not cancelled."""
    rows = visit.db.rows("SELECT * FROM admin_sold ORDER BY units DESC, name LIMIT 8")
    return visit.render("admin/best_sellers.html", rows=rows)


async def months(visit: Visit) -> Response:
    """Orders and revenue by month, newest first."""
    page = visit.paged("SELECT * FROM admin_months ORDER BY month DESC", per_page=7)
    rows = [(month_name(row["month"]), row["num_orders"], row["revenue_cents"]) for row in page.items]
    return visit.render("admin/months.html", page=page, rows=rows)


async def period(visit: Visit) -> Response:
    """A form for two dates and, once both are given, the orders placed between them."""
    first, last = visit.query.get("from", "").strip(), visit.query.get("to", "").strip()
    problem, totals = "", None
    if first or last:
        try:
            low, high = date.fromisoformat(first), date.fromisoformat(last)
        except ValueError:
            problem = "Write both dates as in 2025-03-31."
        else:
            problem = "The first day comes after the last: change one of them." if low > high else ""
            totals = None if problem else _totals(visit, low, high)
    return visit.render("admin/period.html", first=first, last=last, problem=problem, totals=totals)


async def reports(visit: Visit) -> Response:
    """The reports there are."""
    return visit.render("admin/reports.html")


def month_name(month: str) -> str:
    """`July 2025` from `2025-07`."""
    return date.fromisoformat(f"{month}-01").strftime("%B %Y")


def _totals(visit: Visit, low: date, high: date) -> sqlite3.Row | None:
    return visit.db.one(
        "SELECT COUNT(*) AS num_orders,"
        " COALESCE(SUM(CASE status WHEN 'Cancelled' THEN 0 ELSE total_cents END), 0) AS revenue_cents"
        " FROM shop_orders WHERE placed BETWEEN ? AND ?",
        low.isoformat(),
        high.isoformat(),
    )
