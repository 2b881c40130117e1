"""The shop's catalogue pages: front page, categories, search, product pages and reviews."""

from __future__ import annotations

import sqlite3

from starlette.responses import Response

from services.arena.web import NotFound, Visit

SORTS = {
    "name": ("Name", "name"),
    "price-asc": ("Lowest Price", "price_cents"),
    "price-desc": ("Highest Price", "price_cents DESC"),
    "rating": ("Best Rating", "COALESCE(rating, 0) DESC, name"),
}
REVIEWS_PER_PAGE = 3
LIMITS = (50, 100, 150)
"""Price limits (in whole money) that a category can be narrowed to."""


def find_product(visit: Visit, slug: str) -> sqlite3.Row:
    """The product of an address, or the 404 page."""
    product = visit.db.one("SELECT * FROM shop_catalogue WHERE slug = ?", slug)
    if product is None:
        raise NotFound("We do not sell such a product.")
    return product


def _order(visit: Visit) -> str:
    return SORTS.get(visit.query.get("sort", ""), SORTS["name"])[1]


async def home(visit: Visit) -> Response:
    """The front page: categories, and what came in last."""
    return visit.render(
        "shop/home.html",
        categories=visit.db.rows("SELECT * FROM shop_categories ORDER BY name"),
        products=visit.db.rows("SELECT * FROM shop_catalogue ORDER BY id DESC LIMIT 4"),
        info=visit.db.one("SELECT * FROM shop_info"),
    )


async def category(visit: Visit) -> Response:
    """One category's products, sorted and narrowed as the address says."""
    found = visit.db.one("SELECT * FROM shop_categories WHERE slug = ?", visit.params["slug"])
    if found is None:
        raise NotFound("We have no such category.")
    under = visit.query.get("under", "")
    limit = int(under) * 100 if under.isascii() and under.isdigit() else 10**9
    sql = f"SELECT * FROM shop_catalogue WHERE category_id = ? AND price_cents < ? ORDER BY {_order(visit)}"  # noqa: S608
    return visit.render(
        "shop/category.html",
        category=found,
        page=visit.paged(sql, found["id"], limit),
        sorts=SORTS,
        limits=LIMITS,
        under=under,
    )


async def search(visit: Visit) -> Response:
    """Products whose name, brand or SKU contains what was searched for."""
    wanted = visit.query.get("q", "").strip()
    pattern = "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    where = " OR ".join(f"{column} LIKE ? ESCAPE '\\'" for column in ("name", "brand", "sku"))
    sql = f"SELECT * FROM shop_catalogue WHERE {where} ORDER BY {_order(visit)}"  # noqa: S608
    return visit.render(
        "shop/search.html", wanted=wanted, page=visit.paged(sql, pattern, pattern, pattern), sorts=SORTS
    )


async def product(visit: Visit) -> Response:
    """One product with its facts and reviews, the newest review first."""
    found = find_product(visit, visit.params["slug"])
    reviews = visit.paged(
        "SELECT * FROM shop_reviews WHERE product_id = ? AND status = 'approved' ORDER BY created DESC, id DESC",
        found["id"],
        per_page=REVIEWS_PER_PAGE,
    )
    return visit.render("shop/product.html", product=found, reviews=reviews)


async def write_review(visit: Visit) -> Response:
    """The review form of a product, and taking a review in."""
    found = find_product(visit, visit.params["slug"])
    form = await visit.form() if visit.is_post else {}
    if visit.is_post:
        stars = form.get("stars", "")
        if stars not in ("1", "2", "3", "4", "5"):
            visit.flash("Please choose how many stars you give.")
        elif not (form.get("nickname") and form.get("title") and form.get("body")):
            visit.flash("Please fill in your nickname, a title and your review.")
        else:
            visit.db.write(
                "INSERT INTO shop_reviews (product_id, user_id, nickname, stars, title, body, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                found["id"],
                visit.user_id,
                form["nickname"],
                int(stars),
                form["title"],
                form["body"],
                visit.today.isoformat(),
            )
            return visit.redirect(f"/product/{found['slug']}", f"Thank you for your review of {found['name']}.")
    return visit.render("shop/review.html", status=422 if visit.is_post else 200, product=found, form=form)
