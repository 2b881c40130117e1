"""The shop's rules that no task would notice: stock, other people's orders, orders on their way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from services.arena.control import storage_state
from services.arena.server import ArenaServer
from services.arena.state import EpisodeState


@pytest.fixture
async def server() -> AsyncIterator[ArenaServer]:
    async with ArenaServer() as running:
        yield running


@pytest.fixture
def episode(server: ArenaServer) -> EpisodeState:
    return server.registry.get(server.registry.create(server.worlds.get("demo", 5)))


@pytest.fixture
async def shop(server: ArenaServer, episode: EpisodeState) -> AsyncIterator[httpx.AsyncClient]:
    token = next(token for token, known in server.registry._episodes.items() if known is episode)
    cookies = {cookie["name"]: cookie["value"] for cookie in storage_state(episode, server.urls)["cookies"]}
    async with httpx.AsyncClient(
        base_url=server.urls["shopping"],
        headers={"x-arena-episode": token},
        cookies=cookies,
        follow_redirects=True,
    ) as client:
        yield client


async def test_placing_an_order_takes_the_stock_and_empties_the_cart(
    shop: httpx.AsyncClient, episode: EpisodeState
) -> None:
    product = episode.rows("SELECT * FROM shop_products WHERE stock > 5")[0]
    await shop.post("/cart/add", data={"product_id": product["id"], "quantity": "3"})
    form = {"street": "1 Road", "city": "Town", "postcode": "12345", "payment": "Card"}
    page = await shop.post("/checkout", data=form)
    assert (page.url.path, "Thank you. Your order number is 1061." in page.text) == ("/orders/1061", True)
    assert "Ship to: 1 Road, Town 12345" in page.text
    assert "Your cart is empty." in (await shop.get("/cart")).text
    left = episode.count("SELECT stock FROM shop_products WHERE id = ?", product["id"])
    assert left == product["stock"] - 3


async def test_an_incomplete_checkout_places_no_order(shop: httpx.AsyncClient, episode: EpisodeState) -> None:
    product = episode.rows("SELECT * FROM shop_products WHERE stock > 5")[0]
    await shop.post("/cart/add", data={"product_id": product["id"], "quantity": "1"})
    page = await shop.post("/checkout", data={"street": "", "city": "Town", "postcode": "1", "payment": "Card"})
    assert (page.status_code, "whole delivery address" in page.text) == (422, True)
    assert "choose how you want to pay" in (await shop.post("/checkout", data={"payment": "Shells"})).text
    assert episode.count("SELECT MAX(id) FROM shop_orders") == 1060


async def test_the_same_product_twice_never_exceeds_the_stock(shop: httpx.AsyncClient, episode: EpisodeState) -> None:
    product = episode.rows("SELECT * FROM shop_products WHERE stock > 5")[0]
    form = {"product_id": product["id"], "quantity": str(product["stock"] - 1)}
    await shop.post("/cart/add", data=form)
    assert "Sorry, we have only" in (await shop.post("/cart/add", data=form)).text
    assert episode.count("SELECT SUM(quantity) FROM shop_cart") == product["stock"] - 1


async def test_other_customers_orders_cannot_be_seen_or_cancelled(
    shop: httpx.AsyncClient, episode: EpisodeState
) -> None:
    order = episode.rows("SELECT * FROM shop_orders WHERE user_id <> 1 AND status = 'Pending'")[0]
    assert (await shop.get(f"/orders/{order['id']}")).status_code == 404
    assert (await shop.post(f"/orders/{order['id']}/cancel")).status_code == 404
    assert episode.rows("SELECT status FROM shop_orders WHERE id = ?", order["id"])[0]["status"] == "Pending"


async def test_an_order_on_its_way_can_no_longer_be_cancelled(shop: httpx.AsyncClient, episode: EpisodeState) -> None:
    order = episode.rows("SELECT * FROM shop_orders WHERE user_id = 1 AND status IN ('Shipped', 'Delivered')")[0]
    page = await shop.post(f"/orders/{order['id']}/cancel")
    assert "can no longer be cancelled" in page.text
    assert f"Status: {order['status']}" in page.text


async def test_a_review_without_stars_is_refused_and_keeps_what_was_written(shop: httpx.AsyncClient) -> None:
    slug = (await shop.get("/search", params={"q": ""})).text.split("/product/")[1].split('"')[0]
    page = await shop.post(f"/product/{slug}/review", data={"nickname": "A", "title": "B", "body": "C d e"})
    assert (page.status_code, "choose how many stars" in page.text, "C d e" in page.text) == (422, True, True)


async def test_a_search_takes_percent_and_underscore_literally(shop: httpx.AsyncClient) -> None:
    assert "No products match" in (await shop.get("/search", params={"q": "%"})).text
    assert "No products match" in (await shop.get("/search", params={"q": "_"})).text


@pytest.mark.parametrize("page", ["0", "99", "-1", "x", "²"])
async def test_an_odd_page_number_shows_the_nearest_page(shop: httpx.AsyncClient, page: str) -> None:
    assert (await shop.get("/category/kitchen", params={"page": page})).status_code == 200
