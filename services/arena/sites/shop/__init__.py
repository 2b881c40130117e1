"""The shop: catalogue, cart, orders, reviews, wish list and account."""

from __future__ import annotations

from services.arena.site import Site
from services.arena.sites.shop.content import SCHEMA, populate
from services.arena.sites.shop.tasks import TEMPLATES
from services.arena.sites.shop.views import ROUTES

SITE = Site(
    key="shopping",
    folder="shop",
    title="Corner Shop",
    schema=SCHEMA,
    populate=populate,
    routes=ROUTES,
    templates=TEMPLATES,
    user_table="shop_users",
    search=("Search products", "/search"),
    account_nav=(
        ("My Account", "/account"),
        ("My Orders", "/orders"),
        ("Wish List", "/wishlist"),
        ("Cart", "/cart"),
    ),
    nav=(("Contact Us", "/contact"),),
)
