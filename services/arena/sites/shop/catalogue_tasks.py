"""Tasks of finding and reading: products, categories, searches, reviews (templates 100-109, 120-129)."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from services.arena.sites.shop import facts
from services.arena.sites.shop.catalogue import LIMITS, REVIEWS_PER_PAGE, SORTS
from services.arena.task import Draft, Template, at_url, click, exact, not_applicable, stop
from services.arena.web import money

if TYPE_CHECKING:
    from services.arena.world import World

_SITE = ("shopping",)
_ABSENT = ("warranty period", "country of origin", "energy class")


def _readable(product: sqlite3.Row) -> dict[str, str]:
    """What a product's page says, by label."""
    return {
        "Brand": product["brand"],
        "SKU": product["sku"],
        "Colour": product["colour"],
        "Material": product["material"],
        "Weight": f"{product['weight_g']} g",
    }


def _price(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for place, product in enumerate(facts.products(world, rng)[:n]):
        if place % 6 == 2:
            drafts.append(_missing(facts.missing_product(world, rng)))
            continue
        price = money(product["price_cents"])
        script = (*facts.open_product(product["name"]), stop(price, f"Price: {price}"))
        drafts.append(Draft({"product": product["name"]}, exact(price), script))
    return drafts


def _missing(name: str) -> Draft:
    script = (facts.look_for(name), stop("N/A", "No products match your search."))
    return Draft({"product": name}, not_applicable(f"The shop does not sell {name}."), script)


def _attribute(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for place, product in enumerate(facts.products(world, rng)[:n]):
        opened = facts.open_product(product["name"])
        if place % 8 == 3:
            asked = rng.choice(_ABSENT)
            why = not_applicable(f"The shop does not tell the {asked}.")
            drafts.append(Draft({"attribute": asked, "product": product["name"]}, why, (*opened, stop("N/A"))))
            continue
        label, value = rng.choice(list(_readable(product).items()))
        asked = label if label == "SKU" else label.lower()
        values: dict[str, str | int] = {"attribute": asked, "product": product["name"]}
        drafts.append(Draft(values, exact(value), (*opened, stop(value, f"{label}: {value}"))))
    return drafts


def _attribute_here(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for product in facts.products(world, rng)[:n]:
        label, value = rng.choice([*_readable(product).items(), ("Price", money(product["price_cents"]))])
        asked = label if label == "SKU" else label.lower()
        script = (stop(value, f"{label}: {value}"),)
        drafts.append(Draft({"attribute": asked}, exact(value), script, start=f"/product/{product['slug']}"))
    return drafts


def _stock(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"product": product["name"]},
            exact(product["stock"]),
            (*facts.open_product(product["name"]), stop(product["stock"], f"Stock: {product['stock']}")),
        )
        for product in facts.products(world, rng, "stock > 0")[:n]
    ]


def _rating(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for product in facts.products(world, rng, "num_reviews > 0")[:n]:
        rating = str(product["rating"])
        script = (*facts.open_product(product["name"]), stop(rating, f"Rating: {rating}"))
        drafts.append(Draft({"product": product["name"]}, exact(rating), script))
    return drafts


def _open_page(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"product": product["name"]},
            at_url(f"__SHOPPING__/product/{product['slug']}"),
            (*facts.open_product(product["name"]), stop("Done")),
        )
        for product in facts.products(world, rng)[:n]
    ]


def _search(world: World, rng: random.Random, n: int) -> list[Draft]:
    found = facts.products(world, rng)
    words = dict.fromkeys(p["brand"] if place % 2 else p["name"] for place, p in enumerate(found))
    return [
        Draft(
            {"keyword": word},
            at_url("__SHOPPING__/search?" + urlencode({"q": word})),
            (facts.look_for(word), stop("Done")),
        )
        for word in list(words)[:n]
    ]


def _categories(world: World, rng: random.Random) -> list[sqlite3.Row]:
    found = world.query("SELECT * FROM shop_categories ORDER BY id")
    return rng.sample(found, len(found))


def _category(world: World, rng: random.Random, n: int) -> list[Draft]:
    return [
        Draft(
            {"category": category["name"]},
            at_url(f"__SHOPPING__/category/{category['slug']}"),
            (click("link", category["name"]), stop("Done")),
        )
        for category in _categories(world, rng)[:n]
    ]


def _sorted_category(world: World, rng: random.Random, n: int) -> list[Draft]:
    orders = {"price-asc": "lowest price", "price-desc": "highest price", "rating": "best rating"}
    pairs = [(category, key) for category in _categories(world, rng) for key in orders]
    return [
        Draft(
            {"category": category["name"], "order": orders[key]},
            at_url(f"__SHOPPING__/category/{category['slug']}?sort={key}"),
            (click("link", category["name"]), click("link", SORTS[key][0]), stop("Done")),
        )
        for category, key in rng.sample(pairs, len(pairs))[:n]
    ]


def _under(world: World, rng: random.Random, n: int) -> list[Draft]:
    pairs = [(category, limit) for category in _categories(world, rng) for limit in LIMITS]
    return [
        Draft(
            {"price": f"${limit}", "category": category["name"]},
            at_url(f"__SHOPPING__/category/{category['slug']}?under={limit}"),
            (click("link", category["name"]), click("link", f"Under ${limit}"), stop("Done")),
        )
        for category, limit in rng.sample(pairs, len(pairs))[:n]
    ]


_EXTREMES = {"cheapest": ("price-asc", "ASC"), "most expensive": ("price-desc", "DESC")}


def _extreme(world: World, category: sqlite3.Row, extreme: str) -> sqlite3.Row:
    direction = _EXTREMES[extreme][1]
    sql = f"SELECT * FROM shop_catalogue WHERE category_id = ? ORDER BY price_cents {direction} LIMIT 1"  # noqa: S608
    return world.query(sql, category["id"])[0]


def _show_extreme(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for category, extreme in [(c, e) for c in _categories(world, rng) for e in _EXTREMES][:n]:
        product = _extreme(world, category, extreme)
        sort = SORTS[_EXTREMES[extreme][0]][0]
        script = (
            click("link", category["name"]),
            click("link", sort),
            click("link", product["name"]),
            stop("Done"),
        )
        values: dict[str, str | int] = {"extreme": extreme, "category": category["name"]}
        drafts.append(Draft(values, at_url(f"__SHOPPING__/product/{product['slug']}"), script))
    return rng.sample(drafts, len(drafts))


def _name_extreme(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for category, extreme in [(c, e) for c in _categories(world, rng) for e in _EXTREMES][:n]:
        name = _extreme(world, category, extreme)["name"]
        sort = SORTS[_EXTREMES[extreme][0]][0]
        script = (click("link", category["name"]), click("link", sort), stop(name, name))
        values: dict[str, str | int] = {"extreme": extreme, "category": category["name"]}
        drafts.append(Draft(values, exact(name), script))
    return rng.sample(drafts, len(drafts))


def _stars(world: World, rng: random.Random, n: int) -> list[Draft]:
    drafts = []
    for place, product in enumerate(facts.products(world, rng, "num_reviews > 0")[:n]):
        shown = world.query(
            "SELECT * FROM shop_reviews WHERE product_id = ? ORDER BY created DESC, id DESC LIMIT ?",
            product["id"],
            REVIEWS_PER_PAGE,
        )
        opened = facts.open_product(product["name"])
        if place % 7 == 2 and product["num_reviews"] <= REVIEWS_PER_PAGE:
            stranger = world.query(
                "SELECT name FROM shop_users WHERE id > 1 AND id NOT IN"
                " (SELECT user_id FROM shop_reviews WHERE product_id = ?) ORDER BY id",
                product["id"],
            )[0]["name"].split()[0]
            why = not_applicable(f"{stranger} has not reviewed {product['name']}.")
            values: dict[str, str | int] = {"reviewer": stranger, "product": product["name"]}
            drafts.append(Draft(values, why, (*opened, stop("N/A"))))
            continue
        review = rng.choice(shown)
        source = f"Stars from {review['nickname']}: {review['stars']}"
        values = {"reviewer": review["nickname"], "product": product["name"]}
        drafts.append(Draft(values, exact(review["stars"]), (*opened, stop(review["stars"], source))))
    return drafts


TEMPLATES = [
    Template(100, _SITE, "What is the price of {{product}}?", _price),
    Template(101, _SITE, "What is the {{attribute}} of {{product}}?", _attribute),
    Template(102, _SITE, "How many units of {{product}} are in stock?", _stock, held_out=True),
    Template(103, _SITE, "Open the page of {{product}}.", _open_page),
    Template(104, _SITE, 'Search for "{{keyword}}".', _search),
    Template(105, _SITE, "I want to browse the products in the {{category}} category.", _category),
    Template(106, _SITE, "List the products of the {{category}} category by {{order}}.", _sorted_category),
    Template(107, _SITE, "Show me products under {{price}} in the {{category}} category.", _under, held_out=True),
    Template(108, _SITE, "What is the rating of {{product}}?", _rating),
    Template(109, _SITE, "What is the {{attribute}} of this product?", _attribute_here),
    Template(120, _SITE, "Show me the {{extreme}} product from the {{category}} category.", _show_extreme),
    Template(121, _SITE, "What is the name of the {{extreme}} product in {{category}}?", _name_extreme, held_out=True),
    Template(122, _SITE, "How many stars did {{reviewer}} give {{product}}?", _stars),
]
