"""The shop's tables and what fills them.

Money is whole cents; dates are ISO days not later than the world's today. The back office works on the
same tables.
"""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta

from services.arena.names import Names
from services.arena.site import Account, today
from services.arena.sites.shop import vocabulary

SCHEMA = """
CREATE TABLE shop_info (phone TEXT NOT NULL, email TEXT NOT NULL, shipping_cents INTEGER NOT NULL);
CREATE TABLE shop_users (
  id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
  name TEXT NOT NULL, email TEXT NOT NULL, phone TEXT NOT NULL,
  street TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL,
  newsletter INTEGER NOT NULL DEFAULT 0, joined TEXT NOT NULL);
CREATE TABLE shop_categories (id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE);
CREATE TABLE shop_products (
  id INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE, brand TEXT NOT NULL,
  category_id INTEGER NOT NULL REFERENCES shop_categories, sku TEXT NOT NULL UNIQUE,
  price_cents INTEGER NOT NULL, stock INTEGER NOT NULL, colour TEXT NOT NULL, material TEXT NOT NULL,
  weight_g INTEGER NOT NULL, description TEXT NOT NULL,
  enabled INTEGER NOT NULL DEFAULT 1);
CREATE TABLE shop_reviews (
  id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES shop_products,
  user_id INTEGER REFERENCES shop_users,
  nickname TEXT NOT NULL, stars INTEGER NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, created TEXT NOT NULL,
  status TEXT NOT NULL DEFAULT 'approved');  -- approved | pending
CREATE TABLE shop_cart (
  user_id INTEGER NOT NULL REFERENCES shop_users, product_id INTEGER NOT NULL REFERENCES shop_products,
  quantity INTEGER NOT NULL, PRIMARY KEY (user_id, product_id));
CREATE TABLE shop_wishlist (
  user_id INTEGER NOT NULL REFERENCES shop_users, product_id INTEGER NOT NULL REFERENCES shop_products,
  PRIMARY KEY (user_id, product_id));
CREATE TABLE shop_orders (
  id INTEGER PRIMARY KEY,  -- the order number, from 1001
  user_id INTEGER NOT NULL REFERENCES shop_users, placed TEXT NOT NULL,
  status TEXT NOT NULL,  -- Pending | Processing | Shipped | Delivered | Cancelled
  items_cents INTEGER NOT NULL, shipping_cents INTEGER NOT NULL, total_cents INTEGER NOT NULL,
  payment TEXT NOT NULL, street TEXT NOT NULL, city TEXT NOT NULL, postcode TEXT NOT NULL,
  tracking TEXT NOT NULL DEFAULT '');
CREATE TABLE shop_order_items (
  order_id INTEGER NOT NULL REFERENCES shop_orders, product_id INTEGER NOT NULL REFERENCES shop_products,
  quantity INTEGER NOT NULL, price_cents INTEGER NOT NULL, PRIMARY KEY (order_id, product_id));
CREATE TABLE shop_messages (
  id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES shop_users, name TEXT NOT NULL, email TEXT NOT NULL,
  body TEXT NOT NULL, created TEXT NOT NULL);
CREATE VIEW shop_catalogue AS  -- what customers see: enabled products with category and rating
  SELECT p.*, c.slug AS category_slug, c.name AS category_name,
    (SELECT ROUND(AVG(stars), 1) FROM shop_reviews r WHERE r.product_id = p.id AND status = 'approved') AS rating,
    (SELECT COUNT(*) FROM shop_reviews r WHERE r.product_id = p.id AND status = 'approved') AS num_reviews
  FROM shop_products p JOIN shop_categories c ON c.id = p.category_id WHERE p.enabled = 1;
"""

PAYMENTS = ("Card", "Bank transfer", "Cash on delivery")
NUM_PRODUCTS = 72
NUM_CUSTOMERS = 24
NUM_ORDERS = 60
OWNER = 1
"""The id of the customer whom episodes are signed in as."""


def populate(db: sqlite3.Connection, names: Names, rng: random.Random) -> Account:
    """Fill the shop; returns the signed-in customer's account."""
    now = today(db)
    towns = [names.place() for _ in range(6)]
    phone = f"555-{rng.randrange(1000, 9999)}"
    db.execute(
        "INSERT INTO shop_info VALUES (?, ?, ?)", (phone, f"help@{names.word()}.test", rng.choice((495, 595, 750)))
    )
    _customers(db, names, rng, towns, now)
    _products(db, names, rng)
    _reviews(db, rng, now)
    _orders(db, rng, now)
    _wishlist(db, rng)
    owner = db.execute("SELECT * FROM shop_users WHERE id = ?", (OWNER,)).fetchone()
    return Account(owner["username"], owner["password"], owner["name"])


def _customers(db: sqlite3.Connection, names: Names, rng: random.Random, towns: list[str], now: date) -> None:
    for user_id in range(1, NUM_CUSTOMERS + 1):
        given, surname = names.given(), names.surname()
        joined = now - timedelta(days=rng.randrange(400, 1500))
        street = f"{rng.randrange(1, 240)} {names.place()} {rng.choice(vocabulary.STREETS)}"
        db.execute(
            "INSERT INTO shop_users VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                user_id,
                given.lower(),
                f"{surname.lower()}{rng.randrange(10, 99)}",
                f"{given} {surname}",
                f"{given.lower()}@{rng.choice(towns).lower()}.test",
                f"555-{rng.randrange(1000, 9999)}",
                street,
                rng.choice(towns),
                str(rng.randrange(10000, 99999)),
                0 if user_id == OWNER else rng.randrange(2),
                joined.isoformat(),
            ),
        )


def _products(db: sqlite3.Connection, names: Names, rng: random.Random) -> None:
    for category_id, (name, _kinds) in enumerate(vocabulary.CATEGORIES.items(), 1):
        slug = name.lower().replace(" & ", "-and-").replace(" ", "-")
        db.execute("INSERT INTO shop_categories VALUES (?, ?, ?)", (category_id, slug, name))
    kinds = [
        (category_id, kind)
        for category_id, (_, kinds) in enumerate(vocabulary.CATEGORIES.items(), 1)
        for kind in rng.sample(kinds, NUM_PRODUCTS // len(vocabulary.CATEGORIES))
    ]
    brands = [names.brand() for _ in range(14)]
    prices = rng.sample(range(799, 24_999, 50), len(kinds))
    for product_id, (category_id, kind) in enumerate(kinds, 1):
        line = names.brand()
        name = f"{line} {kind}"
        material = rng.choice(vocabulary.MATERIALS)
        db.execute(
            "INSERT INTO shop_products VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)",
            (
                product_id,
                name.lower().replace(" ", "-"),
                name,
                rng.choice(brands),
                category_id,
                f"{line[:3].upper()}-{1000 + product_id * 7 + rng.randrange(7)}",
                prices[product_id - 1],
                rng.choice((0, *range(3, 60))),
                rng.choice(vocabulary.COLOURS),
                material,
                rng.randrange(8, 500) * 10,
                rng.choice(vocabulary.BLURBS).format(kind=kind.lower(), material=material.lower()),
            ),
        )


def _reviews(db: sqlite3.Connection, rng: random.Random, now: date) -> None:
    users = list(db.execute("SELECT id, name FROM shop_users WHERE id <> ?", (OWNER,)))
    for (product_id,) in list(db.execute("SELECT id FROM shop_products ORDER BY id")):
        leaning = rng.choice((2, 3, 4, 4, 5, 5))
        for user in rng.sample(users, rng.choice((0, 1, 2, 2, 3, 3, 4, 5))):
            stars = min(5, max(1, leaning + rng.choice((-1, 0, 0, 1))))
            title, body = rng.choice(vocabulary.REVIEWS[stars])
            created = now - timedelta(days=rng.randrange(3, 390))
            db.execute(
                "INSERT INTO shop_reviews (product_id, user_id, nickname, stars, title, body, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (product_id, user["id"], user["name"].split()[0], stars, title, body, created.isoformat()),
            )


def _orders(db: sqlite3.Connection, rng: random.Random, now: date) -> None:
    products = list(db.execute("SELECT id, price_cents FROM shop_products"))
    own = {*rng.sample(range(NUM_ORDERS * 3 // 4), 4), *rng.sample(range(NUM_ORDERS * 3 // 4, NUM_ORDERS), 4)}
    buyers = [OWNER if place in own else rng.randrange(2, NUM_CUSTOMERS + 1) for place in range(NUM_ORDERS)]
    days = sorted(rng.sample(range(1, 380), NUM_ORDERS), reverse=True)
    shipping = db.execute("SELECT shipping_cents FROM shop_info").fetchone()[0]
    for order_id, (user_id, age) in enumerate(zip(buyers, days, strict=True), 1001):
        user = db.execute("SELECT * FROM shop_users WHERE id = ?", (user_id,)).fetchone()
        bought = rng.sample(products, rng.randint(1, 3))
        lines = [(product["id"], rng.choice((1, 1, 1, 2, 3)), product["price_cents"]) for product in bought]
        total = sum(quantity * cents for _, quantity, cents in lines)
        status = _status(rng, age, may_cancel=user_id != OWNER or age > 110)
        tracking = f"TR{rng.randrange(100000, 999999)}" if status in ("Shipped", "Delivered") else ""
        placed = (now - timedelta(days=age)).isoformat()
        sums = (total, shipping, total + shipping)
        where = (user["street"], user["city"], user["postcode"])
        db.execute(
            "INSERT INTO shop_orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (order_id, user_id, placed, status, *sums, rng.choice(PAYMENTS), *where, tracking),
        )
        db.executemany("INSERT INTO shop_order_items VALUES (?, ?, ?, ?)", [(order_id, *line) for line in lines])


def _status(rng: random.Random, age_days: int, *, may_cancel: bool) -> str:
    if may_cancel and rng.random() < 0.15:
        return "Cancelled"
    if age_days < 110:
        return rng.choice(("Pending", "Processing"))
    if age_days < 180:
        return "Shipped"
    return "Delivered"


def _wishlist(db: sqlite3.Connection, rng: random.Random) -> None:
    for product_id in rng.sample(range(1, NUM_PRODUCTS + 1), 6):
        db.execute("INSERT INTO shop_wishlist VALUES (?, ?)", (OWNER, product_id))
