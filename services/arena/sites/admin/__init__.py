"""The shop's back office: products, orders, customers, moderation of reviews, reports. Staff only."""

from __future__ import annotations

from services.arena.site import Site
from services.arena.sites.admin import catalog, desk, sales
from services.arena.sites.admin.content import SCHEMA, populate
from services.arena.sites.admin.tasks import TEMPLATES
from services.arena.web import route

BOTH = ("GET", "POST")

SITE = Site(
    key="shopping_admin",
    folder="admin",
    title="Back Office",
    schema=SCHEMA,
    populate=populate,
    routes=[
        route("/", desk.dashboard),
        route("/search", desk.search),
        route("/products", catalog.products),
        route("/products/new", catalog.add, BOTH),
        route("/products/{product:int}", catalog.product),
        route("/products/{product:int}/edit", catalog.edit, BOTH),
        route("/products/{selection}", catalog.products),
        route("/orders", sales.orders),
        route("/orders/status/{status}", sales.orders),
        route("/orders/{order:int}", sales.order, BOTH),
        route("/orders/{order:int}/address", sales.address, BOTH),
        route("/customers", sales.customers),
        route("/customers/{customer:int}", sales.customer),
        route("/customers/{customer:int}/edit", sales.customer_edit, BOTH),
        route("/reviews", desk.reviews),
        route("/reviews/status/{status}", desk.reviews),
        route("/reviews/{review:int}", desk.review, BOTH),
        route("/reports", desk.reports),
        route("/reports/best-sellers", desk.best_sellers),
        route("/reports/months", desk.months),
        route("/reports/period", desk.period),
    ],
    templates=TEMPLATES,
    user_table="admin_users",
    login_everywhere=True,
    search=("Search the back office", "/search"),
    account_nav=(
        ("Products", "/products"),
        ("Orders", "/orders"),
        ("Customers", "/customers"),
        ("Reviews", "/reviews"),
        ("Reports", "/reports"),
    ),
)
