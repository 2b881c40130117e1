"""The back office's pages about products: lists, one product, changing it, adding one."""

from __future__ import annotations

import re
import sqlite3
from decimal import Decimal

from starlette.responses import Response

from services.arena.web import Visit

SELECTIONS = {
    "all": ("All products", "1 = 1"),
    "out-of-stock": ("Products out of stock", "p.stock = 0"),
    "disabled": ("Disabled products", "p.enabled = 0"),
}
_AMOUNT = re.compile(r"\$?(\d{1,6})(?:\.(\d{1,2}))?")


def cents(text: str) -> int | None:
    """An amount such as 12.50 or $12 in cents; None if it is not one."""
    found = _AMOUNT.fullmatch(text.replace(",", "").strip())
    return None if found is None else int(Decimal(found[0].lstrip("$")) * 100)


async def products(visit: Visit) -> Response:
    """The catalogue, all of it or one selection."""
    selection = visit.params.get("selection", "all")
    if selection not in SELECTIONS:
        return visit.not_found("There is no such selection of products.")
    heading, condition = SELECTIONS[selection]
    return visit.render(
        "admin/products.html",
        heading=heading,
        selections=[(label, f"/products/{key}") for key, (label, _) in SELECTIONS.items()],
        page=visit.paged(f"SELECT p.* FROM shop_products p WHERE {condition} ORDER BY p.name"),  # noqa: S608
    )


async def product(visit: Visit) -> Response:
    """One product with what it earned."""
    row = _product(visit)
    if row is None:
        return visit.not_found("There is no product with this number.")
    return visit.render(
        "admin/product.html",
        product=row,
        units=visit.db.count("SELECT units FROM admin_sold WHERE product_id = ?", row["id"]),
        num_reviews=visit.db.count(
            "SELECT COUNT(*) FROM shop_reviews WHERE product_id = ? AND status = 'approved'", row["id"]
        ),
    )


async def edit(visit: Visit) -> Response:
    """Change name, price, stock, description and whether the shop shows the product."""
    row = _product(visit)
    if row is None:
        return visit.not_found("There is no product with this number.")
    form = await visit.form() if visit.is_post else {}
    if not visit.is_post:
        return visit.render("admin/product_edit.html", product=row, form=form, problem="")
    problem = _problem(visit, form, row["id"])
    if problem:
        return visit.render("admin/product_edit.html", product=row, form=form, problem=problem, status=422)
    visit.db.write(
        "UPDATE shop_products SET name = ?, price_cents = ?, stock = ?, description = ?, enabled = ? WHERE id = ?",
        form["name"],
        cents(form["price"]),
        int(form["stock"]),
        form.get("description") or row["description"],
        int(form.get("enabled", "1") == "1"),
        row["id"],
    )
    return visit.redirect(f"/products/{row['id']}", flash=f"{form['name']} was saved.")


async def add(visit: Visit) -> Response:
    """Put a new product into the catalogue."""
    categories = visit.db.rows("SELECT id, name FROM shop_categories ORDER BY id")
    form = await visit.form() if visit.is_post else {}
    if not visit.is_post:
        return visit.render("admin/product_add.html", categories=categories, form=form, problem="")
    problem = _problem(visit, form, 0)
    if form.get("category") not in {str(category["id"]) for category in categories}:
        problem = problem or "Choose a category."
    if problem:
        return visit.render("admin/product_add.html", categories=categories, form=form, problem=problem, status=422)
    number = visit.db.count("SELECT MAX(id) + 1 FROM shop_products")
    slug = "-".join(re.findall(r"[a-z0-9]+", form["name"].lower())) or "product"
    if visit.db.one("SELECT 1 FROM shop_products WHERE slug = ?", slug) is not None:
        slug = f"{slug}-{number}"
    visit.db.write(
        "INSERT INTO shop_products (id, slug, name, brand, category_id, sku, price_cents, stock,"
        " colour, material, weight_g, description, enabled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
        number,
        slug,
        form["name"],
        form["name"].split()[0],
        int(form["category"]),
        f"NEW-{1000 + number * 7}",
        cents(form["price"]),
        int(form["stock"]),
        "Black",
        "Steel",
        500,
        f"{form['name']}, new in our shop.",
    )
    return visit.redirect(f"/products/{number}", flash=f"{form['name']} was added.")


def _product(visit: Visit) -> sqlite3.Row | None:
    return visit.db.one(
        "SELECT p.*, c.name AS category FROM shop_products p JOIN shop_categories c ON c.id = p.category_id"
        " WHERE p.id = ?",
        visit.params["product"],
    )


def _problem(visit: Visit, form: dict[str, str], product_id: int) -> str:
    """What is wrong with the posted fields, "" if nothing."""
    if not form.get("name"):
        return "A product needs a name."
    if visit.db.one("SELECT 1 FROM shop_products WHERE name = ? AND id <> ?", form["name"], product_id):
        return "Another product has this name: choose a different one."
    if not cents(form.get("price", "")):
        return "The price must be an amount above zero, for example 12.50."
    if not re.fullmatch(r"[0-9]{1,6}", form.get("stock", "")):
        return "The stock must be a whole number, for example 12."
    return ""
