"""Where an episode ended, against where it should have."""

from __future__ import annotations

import pytest

from services.scoring import urls

SHOP = "http://shop.test"


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (f"{SHOP}/orders", f"{SHOP}/orders"),
        (f"{SHOP}/orders", f"{SHOP}/orders/"),
        (f"{SHOP}/orders", f"{SHOP}/orders/7/view"),
        (f"{SHOP}/orders", f"{SHOP}/orders?page=2#top"),
        (f"{SHOP}/orders", "http://SHOP.test/orders"),
        (f"{SHOP}/s?q=a&sort=price", f"{SHOP}/s?sort=price&q=a&page=1"),
        (f"{SHOP}/s?label%5B%5D=help%20wanted", f"{SHOP}/s?label[]=help+wanted"),
        (f"{SHOP}/a%20b", f"{SHOP}/a b"),
        (SHOP, f"{SHOP}/"),
        (f"{SHOP}/x |OR| {SHOP}/y", f"{SHOP}/y"),
    ],
)
def test_the_reference_is_reached(reference, found):
    assert urls.reached(reference, found, "GOLD in PRED")


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (f"{SHOP}/viewed", f"{SHOP}/viewedasdf"),
        (f"{SHOP}/orders/7", f"{SHOP}/orders"),
        (f"{SHOP}/orders", f"{SHOP}/a?next={SHOP}/orders"),
        (f"{SHOP}/orders", "http://evil.test/shop.test/orders"),
        (f"{SHOP}/orders", "http://shop.test:81/orders"),
        (f"{SHOP}/orders", "http://shop.test@evil.test/orders"),
        (f"{SHOP}/s?q=a&sort=price", f"{SHOP}/s?q=a"),
        (f"{SHOP}/s?q=a", f"{SHOP}/s?q=ab"),
        (SHOP, f"{SHOP}/orders"),
        (f"{SHOP}/x?q=1 |OR| {SHOP}/y?q=2", f"{SHOP}/x?q=2"),
        (f"{SHOP}/orders", ""),
        (f"{SHOP}/orders", "about:blank"),
        (f"{SHOP}/orders", "http://[broken/orders"),
    ],
)
def test_something_else_is_not_the_reference(reference, found):
    assert not urls.reached(reference, found, "GOLD in PRED")


def test_exact_allows_nothing_below_and_no_further_query():
    assert urls.reached(f"{SHOP}/orders?a=1&b=2", f"{SHOP}/orders/?b=2&a=1", "EXACT")
    for found in (f"{SHOP}/orders/7?a=1&b=2", f"{SHOP}/orders?a=1&b=2&c=3"):
        assert not urls.reached(f"{SHOP}/orders?a=1&b=2", found, "EXACT")


@pytest.mark.parametrize(
    ("reference", "found", "passes"),
    [
        (f"{SHOP}/viewed", f"{SHOP}/viewedasdf", True),
        (f"{SHOP}/orders", "http://evil.test/shop.test/orders", True),
        (SHOP, f"{SHOP}/orders", True),
        (f"{SHOP}/x?q=1 |OR| {SHOP}/y?q=2", f"{SHOP}/x?q=2", True),
        (f"{SHOP}/orders/7", f"{SHOP}/orders", False),
        (f"{SHOP}/s?q=a&sort=price", f"{SHOP}/s?q=a", False),
        (f"{SHOP}/orders", f"{SHOP}/a?next={SHOP}/orders", False),
        (f"{SHOP}/orders", "http://[broken/orders", False),
    ],
)
def test_webarenas_own_rule_takes_what_holds_the_reference(reference, found, passes):
    assert urls.reached_in_webarena(reference, found, None) is passes
