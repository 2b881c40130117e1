"""The shop's addresses."""

from __future__ import annotations

from services.arena.sites.shop import account, catalogue, purchase
from services.arena.web import route

_BOTH = ("GET", "POST")
_POST = ("POST",)

ROUTES = [
    route("/", catalogue.home),
    route("/category/{slug}", catalogue.category),
    route("/search", catalogue.search),
    route("/product/{slug}", catalogue.product),
    route("/product/{slug}/review", catalogue.write_review, _BOTH, login=True),
    route("/cart", purchase.cart, login=True),
    route("/cart/add", purchase.add_to_cart, _POST, login=True),
    route("/cart/update", purchase.update_cart, _POST, login=True),
    route("/cart/remove", purchase.remove_from_cart, _POST, login=True),
    route("/checkout", purchase.checkout, _BOTH, login=True),
    route("/wishlist", purchase.wishlist, login=True),
    route("/wishlist/add", purchase.add_to_wishlist, _POST, login=True),
    route("/wishlist/remove", purchase.remove_from_wishlist, _POST, login=True),
    route("/orders", account.orders, login=True),
    route("/orders/{order_id:int}", account.order, login=True),
    route("/orders/{order_id:int}/cancel", account.cancel_order, _POST, login=True),
    route("/orders/{order_id:int}/reorder", account.reorder, _POST, login=True),
    route("/orders/{order_id:int}/address", account.order_address, _BOTH, login=True),
    route("/account", account.account, login=True),
    route("/account/edit", account.edit_account, _BOTH, login=True),
    route("/account/address", account.edit_address, _BOTH, login=True),
    route("/contact", account.contact, _BOTH),
    route("/contact/messages", account.messages, login=True),
]
