"""Tasks across two sites, ids 600 to 699: something to do or to find on one, then on the other.

The objective names the second site by its address. What the second half needs stands in the objective, or
in the address that leads there: an agent that sees one page and its previous action can do every one.
"""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING

from services.arena.sites.admin import facts as admin
from services.arena.sites.forum import facts as forum
from services.arena.sites.shop import facts as shop
from services.arena.sites.wiki import facts as wiki
from services.arena.sites.wiki.facts import some
from services.arena.task import Check, Draft, Move, Template, at_url, click, fill, goto, page_has, stop, text_of

if TYPE_CHECKING:
    from services.arena.world import World

DONE = stop("Done")
CODE = "__GITLAB__"
SHOP = "__SHOPPING__"


def _saved(row: sqlite3.Row) -> Check:
    return page_has(f"{wiki.WIKI}/saved", text_of("#listing"), includes=[row["name"]])


def _unsaved_places(world: World) -> list[sqlite3.Row]:
    saved = {row["place_id"] for row in world.query("SELECT place_id FROM wiki_saved")}
    return [row for row in wiki.places(world) if row["id"] not in saved]


def _unwatched(world: World) -> list[sqlite3.Row]:
    watched = {row["article_id"] for row in world.query("SELECT article_id FROM wiki_watch")}
    return [row for row in wiki.titles(world) if row["id"] not in watched]


def _projects(world: World, where: str) -> list[sqlite3.Row]:
    """Projects that the signed-in user of the code host may see and for which `where` holds."""
    return world.query(
        f"SELECT p.* FROM code_projects p WHERE p.visibility <> 'Private' AND {where} ORDER BY p.id"  # noqa: S608
    )


def _open_project(row: sqlite3.Row) -> tuple[Move, ...]:
    return goto("gitlab", "/"), fill("searchbox", "Search", row["name"], enter=True), click("link", row["name"])


def save_and_locate(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Wiki, then forum: save a place, then name its town in the own profile."""
    return [
        Draft(
            {"place": row["name"], "town": row["town"]},
            (_saved(row), forum.shows("/me", ".user-location", f"Location: {row['town']}")),
            (
                *wiki.look_up(row["name"]),
                click("button", "Save this place"),
                goto("reddit", "/profile"),
                fill("textbox", "Location", row["town"], enter=True),
                DONE,
            ),
        )
        for row in some(rng, _unsaved_places(world), n)
    ]


def watch_and_star(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Wiki, then code host: watch an article, then star a project."""
    starless = "p.id NOT IN (SELECT project_id FROM code_stars WHERE user_id = 1)"
    projects = _projects(world, starless)
    drafts = []
    for row in some(rng, _unwatched(world), n):
        project = rng.choice(projects)
        checks = (
            page_has(f"{wiki.WIKI}/watchlist", text_of("#listing"), includes=[row["title"]]),
            page_has(f"{CODE}/projects/{project['slug']}", text_of(".project-starred"), exact="Starred by you: Yes"),
        )
        script = (
            *wiki.look_up(row["title"]),
            click("button", "Add to watchlist"),
            *_open_project(project),
            click("button", "Star"),
            DONE,
        )
        drafts.append(Draft({"title": row["title"], "project": project["name"]}, checks, script))
    return drafts


def talk_and_issue(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Wiki, then code host: say something on a talk page, then open an issue."""
    names = world.names(rng)
    projects = _projects(world, "1 = 1")
    drafts = []
    for row in some(rng, wiki.titles(world), n):
        said, issue, project = forum.phrase(names, rng), f"Link to {names.place()}", rng.choice(projects)
        checks = (
            page_has(f"{wiki.WIKI}/wiki/{row['slug']}/talk", text_of(".comment"), exact=said),
            page_has(f"{CODE}/projects/{project['slug']}/issues", text_of("main"), includes=[issue]),
        )
        script = (
            *wiki.look_up(row["title"]),
            click("link", "Talk"),
            fill("textbox", "Your comment", said, enter=True),
            *_open_project(project),
            click("link", "Issues"),
            click("link", "New Issue"),
            fill("textbox", "Title", issue, enter=True),
            DONE,
        )
        values: dict[str, str | int] = {
            "comment": said,
            "title": row["title"],
            "issue": issue,
            "project": project["name"],
        }
        drafts.append(Draft(values, checks, script))
    return drafts


def price_and_cart(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Back office, then shop: change a price, then buy at it."""
    drafts = []
    for row in some(rng, [row for row in admin.products(world) if row["stock"]], n):
        price = f"{rng.randrange(5, 250)}.{rng.choice((25, 49, 75, 95))}"
        checks = (
            page_has(f"{admin.ADMIN}/products/{row['id']}", text_of(".shown-price"), exact=f"Price: ${price}"),
            page_has(f"{SHOP}/cart", text_of("main"), includes=[row["name"], f"Price: ${price}"]),
        )
        script = (
            *admin.look_up(row["name"]),
            click("link", "Edit product"),
            fill("textbox", "Price", price, enter=True),
            goto("shopping", "/"),
            *shop.open_product(row["name"]),
            click("button", "Add to Cart"),
            DONE,
        )
        drafts.append(Draft({"product": row["name"], "price": price}, checks, script))
    return drafts


def cancel_and_tell(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Back office, then forum: cancel an order, then write about it."""
    names, threads = world.names(rng), forum.threads(world, rng, n)
    open_orders = admin.orders(world, "Pending", "Processing", "Shipped", "Delivered")
    drafts = []
    for row, thread in zip(some(rng, open_orders, len(threads)), threads, strict=False):
        text = forum.phrase(names, rng)
        checks = (
            page_has(f"{admin.ADMIN}/orders/{row['id']}", text_of(".shown-status"), exact="Status: Cancelled"),
            page_has(f"{forum.SITE}/threads/{thread['id']}", text_of(".comments"), includes=[text]),
        )
        script = (
            *admin.look_up_order(row["id"]),
            click("radio", "Cancelled"),
            click("button", "Update order"),
            goto("reddit", "/"),
            *forum.by_search(thread["title"]),
            fill("textbox", "Comment", text),
            click("button", "Post Comment"),
            DONE,
        )
        values: dict[str, str | int] = {"order": row["id"], "text": text, "title": thread["title"]}
        drafts.append(Draft(values, checks, script))
    return drafts


def best_seller_in_shop(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Back office, then shop: read a name in a report, carry it over in the address of a search."""
    rows = world.query(
        "SELECT p.name, p.slug FROM admin_sold s JOIN shop_products p ON p.id = s.product_id"
        " ORDER BY s.units DESC, s.name LIMIT 8"
    )
    drafts = [
        Draft(
            {"rank": rank},
            at_url(f"{SHOP}/product/{row['slug']}"),
            (
                click("link", "Reports"),
                click("link", "Best sellers"),
                goto("shopping", "/search?q=" + row["name"].replace(" ", "+")),
                click("link", row["name"]),
                DONE,
            ),
        )
        for rank, row in enumerate(rows, 1)
    ]
    return some(rng, drafts, n)


def approve_and_show(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Back office, then shop: approve a review, then open the page where it shows."""
    drafts = []
    for row, moves in some(rng, admin.waiting(world), n):
        slug = world.query("SELECT slug FROM shop_products WHERE id = ?", row["product_id"])[0]["slug"]
        checks = (
            page_has(f"{admin.ADMIN}/reviews/{row['id']}", text_of(".shown-status"), exact="Status: approved"),
            at_url(f"{SHOP}/product/{slug}"),
        )
        script = (
            *moves,
            click("button", "Approve review"),
            goto("shopping", "/"),
            *shop.open_product(row["product"]),
            DONE,
        )
        drafts.append(Draft({"product": row["product"], "nickname": row["nickname"]}, checks, script))
    return drafts


def latest_order(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Shop, then back office: find an order's number on one, change the order on the other."""
    row = shop.own_orders(world)[0]
    drafts = [
        Draft(
            {"status": status},
            page_has(f"{admin.ADMIN}/orders/{row['id']}", text_of(".shown-status"), exact=f"Status: {status}"),
            (
                click("link", "My Orders"),
                goto("shopping_admin", f"/orders/{row['id']}"),
                click("radio", status),
                click("button", "Update order"),
                DONE,
            ),
        )
        for status in ("Pending", "Processing", "Shipped", "Delivered", "Cancelled")
        if status != row["status"]
    ]
    return some(rng, drafts, n)


def vote_and_save(world: World, rng: random.Random, n: int) -> list[Draft]:
    """Forum, then wiki: vote on a thread, then save a place."""
    threads = forum.threads(world, rng, n)
    drafts = []
    for thread, row in zip(threads, some(rng, _unsaved_places(world), len(threads)), strict=False):
        checks = (forum.shows(f"/threads/{thread['id']}", ".thread-vote", "Your vote: Up"), _saved(row))
        script = (
            *forum.by_search(thread["title"]),
            click("button", "Upvote"),
            goto("wikipedia", "/"),
            *wiki.look_up(row["name"]),
            click("button", "Save this place"),
            DONE,
        )
        drafts.append(Draft({"title": thread["title"], "place": row["name"]}, checks, script))
    return drafts


TEMPLATES: list[Template] = [
    Template(
        600,
        ("wikipedia", "reddit"),
        "Save {{place}} among my saved places in the encyclopedia, then set my location in my forum profile"
        " (http://forum.test/profile) to {{town}}.",
        save_and_locate,
    ),
    Template(
        601,
        ("wikipedia", "gitlab"),
        "Add {{title}} to my watchlist in the encyclopedia, then star the project {{project}} on the code host"
        " (http://code.test).",
        watch_and_star,
    ),
    Template(
        602,
        ("wikipedia", "gitlab"),
        'Post "{{comment}}" on the talk page of {{title}} in the encyclopedia, then open an issue with the title'
        ' "{{issue}}" in the project {{project}} on the code host (http://code.test).',
        talk_and_issue,
    ),
    Template(
        603,
        ("shopping_admin", "shopping"),
        "Change the price of {{product}} to ${{price}} in the back office, then add the product to my cart in the"
        " shop (http://shop.test).",
        price_and_cart,
    ),
    Template(
        604,
        ("shopping_admin", "reddit"),
        'Cancel order {{order}} in the back office, then post the comment "{{text}}" in the thread "{{title}}" of'
        " the forum (http://forum.test).",
        cancel_and_tell,
    ),
    Template(
        605,
        ("shopping_admin", "shopping"),
        "Find out which product is number {{rank}} among the best sellers in the back office, then open its page"
        " in the shop (http://shop.test).",
        best_seller_in_shop,
    ),
    Template(
        606,
        ("shopping_admin", "shopping"),
        "Approve the review of {{product}} by {{nickname}} in the back office, then open the page of the product in"
        " the shop (http://shop.test).",
        approve_and_show,
        held_out=True,
    ),
    Template(
        607,
        ("shopping", "shopping_admin"),
        "Find the number of my most recent order in the shop, then change its status to {{status}} in the back"
        " office (http://admin.test).",
        latest_order,
        held_out=True,
    ),
    Template(
        608,
        ("reddit", "wikipedia"),
        'Upvote the thread "{{title}}" in the forum, then save {{place}} among my saved places in the encyclopedia'
        " (http://wiki.test).",
        vote_and_save,
        held_out=True,
    ),
]
