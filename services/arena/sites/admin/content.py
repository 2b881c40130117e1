"""The back office's own tables: its staff, and what they note on orders. All else is the shop's.

Populated after the shop: it also puts the reviews that wait for moderation among the shop's.
"""

from __future__ import annotations

import random
import sqlite3
from datetime import timedelta

from services.arena.names import Names
from services.arena.site import Account, today

SCHEMA = """
CREATE TABLE admin_users (
  id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, password TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE admin_comments (
  id INTEGER PRIMARY KEY, order_id INTEGER NOT NULL REFERENCES shop_orders,
  author TEXT NOT NULL, body TEXT NOT NULL, created TEXT NOT NULL);
CREATE INDEX admin_comments_order ON admin_comments (order_id, id);
CREATE VIEW admin_sold AS
  SELECT p.id AS product_id, p.name AS name, COALESCE(SUM(i.quantity), 0) AS units
  FROM shop_products p
  LEFT JOIN shop_order_items i ON i.product_id = p.id
    AND i.order_id IN (SELECT id FROM shop_orders WHERE status <> 'Cancelled')
  GROUP BY p.id;
CREATE VIEW admin_months AS
  SELECT substr(placed, 1, 7) AS month, COUNT(*) AS num_orders,
    SUM(CASE status WHEN 'Cancelled' THEN 0 ELSE total_cents END) AS revenue_cents
  FROM shop_orders GROUP BY month;
"""

STATUSES = ("Pending", "Processing", "Shipped", "Delivered", "Cancelled")
NUM_STAFF, NUM_WAITING = 4, 12
NOTES = (
    "Customer asked for gift wrapping.",
    "Called about the delivery time.",
    "Address checked.",
    "Second parcel follows next week.",
)
WAITING: tuple[tuple[int, str, str], ...] = (
    (5, "Exactly right", "Does what it promises, I use it every day."),
    (4, "Would buy again", "Good quality, the box was a little dented."),
    (2, "Not for me", "It is heavier than I thought."),
    (1, "Arrived broken", "One part was missing and another one broken."),
    (3, "Fine for the price", "Neither good nor bad."),
)


def populate(db: sqlite3.Connection, names: Names, rng: random.Random) -> Account:
    """Fill SCHEMA and add waiting reviews; returns the account that episodes are signed in with."""
    for _ in range(NUM_STAFF):
        given, surname = names.given(), names.surname()
        db.execute(
            "INSERT INTO admin_users (username, password, name) VALUES (?, ?, ?)",
            (given.lower(), f"{surname.lower()}{rng.randrange(10, 99)}", f"{given} {surname}"),
        )
    now = today(db)
    staff = [row["name"] for row in db.execute("SELECT name FROM admin_users ORDER BY id")]
    orders = [row["id"] for row in db.execute("SELECT id FROM shop_orders ORDER BY id")]
    for order_id in rng.sample(orders, len(orders) // 4):
        created = (now - timedelta(days=rng.randrange(1, 90))).isoformat()
        db.execute(
            "INSERT INTO admin_comments (order_id, author, body, created) VALUES (?, ?, ?, ?)",
            (order_id, rng.choice(staff), rng.choice(NOTES), created),
        )
    _waiting_reviews(db, rng)
    owner = db.execute("SELECT * FROM admin_users WHERE id = 1").fetchone()
    return Account(owner["username"], owner["password"], owner["name"])


def _waiting_reviews(db: sqlite3.Connection, rng: random.Random) -> None:
    """Reviews by customers who have none of that product yet; none by the shop's signed-in customer."""
    pairs = list(
        db.execute(
            "SELECT p.id AS product_id, u.id AS user_id, u.name FROM shop_products p, shop_users u"
            " WHERE u.id <> 1 AND NOT EXISTS"
            " (SELECT 1 FROM shop_reviews r WHERE r.product_id = p.id AND r.user_id = u.id)"
            " ORDER BY p.id, u.id"
        )
    )
    now = today(db)
    for row in rng.sample(pairs, NUM_WAITING):
        stars, title, body = rng.choice(WAITING)
        db.execute(
            "INSERT INTO shop_reviews (product_id, user_id, nickname, stars, title, body, created, status)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 'pending')",
            (
                row["product_id"],
                row["user_id"],
                row["name"].split()[0],
                stars,
                title,
                body,
                (now - timedelta(days=rng.randrange(1, 14))).isoformat(),
            ),
        )
