"""Worlds: deterministic, disjoint between partitions, and sized as the tasks expect."""

from __future__ import annotations

import random
import re
import time

import pytest

from services.arena.errors import BadInput
from services.arena.names import PARTITIONS, partition_of
from services.arena.site import ADDRESSES
from services.arena.sites import SITES
from services.arena.world import World, Worlds


def test_the_same_partition_and_seed_give_the_same_bytes() -> None:
    assert World("train", 7).image == World("train", 7).image


def test_another_seed_gives_another_world() -> None:
    names = {World("train", seed).accounts["shopping"].name for seed in range(4)}
    assert len(names) == 4


def test_a_world_costs_well_under_half_a_second_of_cpu() -> None:
    best_s = float("inf")
    for seed in range(3):
        started = time.process_time()
        World("demo", 100 + seed)
        best_s = min(best_s, time.process_time() - started)
    assert best_s < 0.5


def test_all_five_sites_are_there_in_order() -> None:
    assert list(SITES) == list(ADDRESSES)


def test_product_and_people_names_belong_to_the_partition() -> None:
    for partition in PARTITIONS:
        world = World(partition, 3)
        products = [row["name"] for row in world.query("SELECT name FROM shop_products")]
        people = [row["name"] for row in world.query("SELECT name FROM shop_users")]
        assert {partition_of(name.split()[0]) for name in products} == {partition}
        assert {partition_of(part) for name in people for part in name.split()} == {partition}


def test_no_text_of_a_world_holds_an_invented_name_of_another_partition() -> None:
    worlds = {partition: World(partition, 3) for partition in PARTITIONS}
    owned = {
        partition: {row["name"].split()[0].lower() for row in world.query("SELECT name FROM shop_products")}
        for partition, world in worlds.items()
    }
    text = "\n".join(worlds["eval"].base.iterdump()).lower()
    words = set(re.findall(r"[a-z]+", text))
    assert owned["eval"] <= words
    assert not (owned["train"] | owned["demo"]) & words


def test_the_shop_has_the_size_that_its_tasks_expect() -> None:
    world = World("eval", 1)
    count = {
        table: world.query(f"SELECT COUNT(*) FROM shop_{table}")[0][0] for table in ("products", "users", "orders")
    }
    own = world.query("SELECT COUNT(*) FROM shop_orders WHERE user_id = 1")[0][0]
    assert (count["products"], count["users"], count["orders"], own) == (72, 24, 60, 8)


def test_order_totals_are_the_sum_of_their_items_and_shipping() -> None:
    wrong = World("train", 2).query(
        "SELECT o.id FROM shop_orders o JOIN shop_order_items i ON i.order_id = o.id GROUP BY o.id"
        " HAVING o.total_cents <> SUM(i.quantity * i.price_cents) + o.shipping_cents"
    )
    assert wrong == []


def test_names_for_tasks_do_not_occur_in_the_world() -> None:
    world = World("train", 1)
    fresh = world.names(random.Random(3))
    words = {fresh.word() for _ in range(2000)}
    known = {part.lower() for row in world.query("SELECT name FROM shop_products") for part in row["name"].split()}
    assert not words & known


def test_an_unknown_partition_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="demo, train, eval"):
        World("test", 1)  # type: ignore[arg-type]


def test_the_cache_builds_a_world_once_and_forgets_the_oldest() -> None:
    worlds = Worlds(capacity=2)
    first = worlds.get("demo", 1)
    assert worlds.get("demo", 1) is first
    worlds.get("demo", 2)
    worlds.get("demo", 3)
    assert worlds.get("demo", 1) is not first
