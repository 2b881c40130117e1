"""The back office: who gets in, what it accepts, and that the shop shows what was decided there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from services.arena.app import EPISODE_HEADER, site_app
from services.arena.sites import SITES
from services.arena.sites.admin import catalog, content
from services.arena.sites.admin.desk import month_name
from services.arena.state import Registry
from services.arena.web import money
from services.arena.world import World


@pytest.fixture(scope="module")
def world() -> World:
    return World("eval", 4)


class Office:
    """One episode's back office and shop."""

    def __init__(self, world: World) -> None:
        registry = Registry()
        self.token = registry.create(world)
        self.account = world.accounts["shopping_admin"]
        self.office = self._client(registry, "shopping_admin")
        self.shop = self._client(registry, "shopping")

    def _client(self, registry: Registry, key: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(site_app(SITES[key], registry)),
            base_url=SITES[key].display_url,
            headers={EPISODE_HEADER: self.token},
            follow_redirects=True,
        )

    async def sign_in(self, password: str) -> httpx.Response:
        data = {"username": self.account.username, "password": password}
        return await self.office.post("/login", data=data)


@pytest.fixture
async def outside(world: World) -> AsyncIterator[Office]:
    office = Office(world)
    async with office.office, office.shop:
        yield office


@pytest.fixture
async def inside(outside: Office) -> Office:
    assert "Dashboard" in (await outside.sign_in(outside.account.password)).text
    return outside


@pytest.mark.parametrize("path", ["/", "/products", "/orders/1001", "/customers/3/edit", "/reports/months"])
async def test_every_page_asks_strangers_to_sign_in(outside: Office, path: str) -> None:
    page = await outside.office.get(path)
    assert page.url.path == "/login"
    assert page.url.params["next"] == path


async def test_a_stranger_cannot_change_an_order(outside: Office, world: World) -> None:
    page = await outside.office.post("/orders/1001", data={"status": "Pending", "comment": "hello"})
    assert page.url.path == "/login"
    await outside.sign_in(outside.account.password)
    assert "hello" not in (await outside.office.get("/orders/1001")).text


async def test_a_wrong_password_is_refused(outside: Office) -> None:
    page = await outside.sign_in(outside.account.password + "x")
    assert page.status_code == 422
    assert "do not match" in page.text
    assert (await outside.office.get("/")).url.path == "/login"


async def test_signing_in_leads_to_where_one_wanted_to_go(outside: Office) -> None:
    form = await outside.office.get("/reports/months")
    data = {"username": outside.account.username, "password": outside.account.password}
    assert (await outside.office.post(str(form.url), data=data)).url.path == "/reports/months"


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12.50", 1250), ("$12.5", 1250), ("7", 700), ("1,234.99", 123499), ("-1", None), ("12.505", None), ("x", None)],
)
def test_prices_are_read_as_people_write_them(text: str, amount: int | None) -> None:
    assert catalog.cents(text) == amount


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"price": "cheap"}, "The price must be an amount"),
        ({"price": "0"}, "The price must be an amount"),
        ({"stock": "-3"}, "The stock must be a whole number"),
        ({"name": ""}, "A product needs a name"),
    ],
)
async def test_a_bad_product_is_refused_and_nothing_changes(
    inside: Office, world: World, change: dict[str, str], says: str
) -> None:
    row = world.query("SELECT * FROM shop_products WHERE id = 5")[0]
    before = (await inside.office.get("/products/5")).text
    data = {"name": row["name"], "price": "5.00", "stock": "5", "enabled": "1"} | change
    page = await inside.office.post("/products/5/edit", data=data)
    assert page.status_code == 422
    assert says in page.text
    assert (await inside.office.get("/products/5")).text == before


async def test_two_products_cannot_have_one_name(inside: Office, world: World) -> None:
    name = world.query("SELECT name FROM shop_products WHERE id = 6")[0]["name"]
    page = await inside.office.post("/products/5/edit", data={"name": name, "price": "5", "stock": "5"})
    assert "Another product has this name" in page.text


async def test_a_disabled_product_is_gone_from_the_shop(inside: Office, world: World) -> None:
    row = world.query("SELECT * FROM shop_products WHERE id = 5")[0]
    address = f"/product/{row['slug']}"
    assert (await inside.shop.get(address)).status_code == 200
    data = {"name": row["name"], "price": "5.00", "stock": "5", "enabled": "0"}
    assert "Status: Disabled" in (await inside.office.post("/products/5/edit", data=data)).text
    assert (await inside.shop.get(address)).status_code == 404
    assert row["name"] in (await inside.office.get("/products/disabled")).text


async def test_a_new_product_can_be_bought_in_the_shop(inside: Office) -> None:
    data = {"name": "Brand New Kettle", "price": "19.95", "stock": "4", "category": "1"}
    page = await inside.office.post("/products/new", data=data)
    assert "Price: $19.95" in page.text
    shown = await inside.shop.get("/product/brand-new-kettle")
    assert "Price: $19.95" in shown.text
    assert "Add to Cart" in shown.text


async def test_only_an_approved_review_shows_in_the_shop(inside: Office, world: World) -> None:
    row = world.query(
        "SELECT r.*, p.slug FROM shop_reviews r JOIN shop_products p ON p.id = r.product_id WHERE r.status = 'pending'"
    )[0]
    byline = f"Stars from {row['nickname']}"
    assert byline not in (await inside.shop.get(f"/product/{row['slug']}")).text
    await inside.office.post(f"/reviews/{row['id']}", data={"verdict": "approved"})
    assert byline in (await inside.shop.get(f"/product/{row['slug']}")).text
    await inside.office.post(f"/reviews/{row['id']}", data={"verdict": "rejected"})
    assert byline not in (await inside.shop.get(f"/product/{row['slug']}")).text


async def test_an_order_takes_status_tracking_and_comment_at_once(inside: Office) -> None:
    data = {"status": "Shipped", "tracking": "TR1", "comment": "left with the neighbour"}
    page = await inside.office.post("/orders/1002", data=data)
    for text in ("Status: Shipped", "Tracking number: TR1", "left with the neighbour", inside.account.name):
        assert text in page.text


async def test_an_order_refuses_a_status_that_does_not_exist(inside: Office, world: World) -> None:
    status = world.query("SELECT status FROM shop_orders WHERE id = 1002")[0]["status"]
    page = await inside.office.post("/orders/1002", data={"status": "Lost", "comment": "gone"})
    assert f"Choose one of {', '.join(content.STATUSES)}" in page.text
    assert f"Status: {status}" in page.text
    assert "gone" not in page.text


async def test_search_finds_a_product_an_order_and_a_customer(inside: Office, world: World) -> None:
    product = world.query("SELECT * FROM shop_products WHERE id = 9")[0]
    customer = world.query("SELECT * FROM shop_users WHERE id = 9")[0]
    wanted = (
        (product["sku"], "/products/9"),
        (product["name"].upper(), "/products/9"),
        ("order 1009", "/orders/1009"),
        ("#1009", "/orders/1009"),
        (customer["phone"], "/customers/9"),
        (customer["email"], "/customers/9"),
    )
    for words, address in wanted:
        assert f'href="{address}"' in (await inside.office.get("/search", params={"q": words})).text


async def test_the_report_of_a_period_counts_its_orders_and_skips_cancelled_revenue(
    inside: Office, world: World
) -> None:
    first, last = "2000-01-01", world.today.isoformat()
    revenue = world.query("SELECT SUM(total_cents) FROM shop_orders WHERE status <> 'Cancelled'")[0][0]
    page = await inside.office.get("/reports/period", params={"from": first, "to": last})
    assert "Number of orders: 60" in page.text
    assert f"Revenue: {money(revenue)}" in page.text


@pytest.mark.parametrize(
    ("first", "last", "says"),
    [("2025-13-01", "2025-03-01", "Write both dates"), ("2025-03-02", "2025-03-01", "comes after the last")],
)
async def test_a_report_of_an_impossible_period_says_why(inside: Office, first: str, last: str, says: str) -> None:
    page = await inside.office.get("/reports/period", params={"from": first, "to": last})
    assert says in page.text
    assert "Number of orders" not in page.text


def test_the_months_of_the_report_add_up_to_all_orders(world: World) -> None:
    rows = world.query("SELECT * FROM admin_months")
    assert sum(row["num_orders"] for row in rows) == world.query("SELECT COUNT(*) FROM shop_orders")[0][0]
    assert month_name("2025-07") == "July 2025"


def test_units_sold_leave_cancelled_orders_out(world: World) -> None:
    sold = world.query("SELECT SUM(units) FROM admin_sold")[0][0]
    kept = world.query(
        "SELECT SUM(i.quantity) FROM shop_order_items i JOIN shop_orders o ON o.id = i.order_id"
        " WHERE o.status <> 'Cancelled'"
    )[0][0]
    assert sold == kept
