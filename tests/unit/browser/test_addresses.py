"""Display names and real addresses."""

from __future__ import annotations

import pytest

from services.browser.addresses import Addresses, Site, origin

SITES = Addresses(
    (
        Site("http://shop.test", "http://127.0.0.1:4000"),
        Site("http://shop.test/admin", "http://127.0.0.1:4001/back"),
        Site("https://code.test", "https://code.example"),
    )
)


@pytest.mark.parametrize(
    ("display", "real"),
    [
        ("http://shop.test", "http://127.0.0.1:4000"),
        ("http://shop.test/cart?x=1#y", "http://127.0.0.1:4000/cart?x=1#y"),
        ("http://shop.test?x=1", "http://127.0.0.1:4000?x=1"),
        ("http://shop.test/admin/orders", "http://127.0.0.1:4001/back/orders"),
        ("http://shop.test/administrator", "http://127.0.0.1:4000/administrator"),
        ("https://code.test/p", "https://code.example/p"),
    ],
)
def test_a_url_is_mapped_there_and_back(display: str, real: str) -> None:
    assert SITES.real(display) == real
    assert SITES.display(real) == display


def test_a_url_may_leave_out_its_scheme_and_spell_its_host_in_capitals() -> None:
    assert SITES.real(" shop.test/cart") == "http://127.0.0.1:4000/cart"
    assert SITES.real("http://SHOP.test/Cart") == "http://127.0.0.1:4000/Cart"


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/",
        "http://shop.test.evil.example/",
        "http://shop.test@evil.example/",
        "http://shop.test:81/",
        "https://shop.test/",
        "http://127.0.0.1:40000/",
        "file:///etc/passwd",
        "data:text/html,x",
        "javascript:alert(1)",
        "chrome://crash",
        "view-source:http://shop.test",
        "about:blank",
    ],
)
def test_what_is_outside_is_refused_naming_what_is_inside(url: str) -> None:
    with pytest.raises(ValueError, match=r"outside the sites that can be reached: .*http://shop.test"):
        SITES.real(url)


def test_real_addresses_in_a_text_are_replaced_and_similar_ones_are_not() -> None:
    text = "see http://127.0.0.1:4000/cart, http://127.0.0.1:4000. Not http://127.0.0.1:40001/"
    assert SITES.display_in(text) == "see http://shop.test/cart, http://shop.test. Not http://127.0.0.1:40001/"


def test_an_origin_always_names_its_port() -> None:
    assert origin("http://a.test/x") == "http://a.test:80"
    assert origin("https://[::1]/x") == "https://[::1]:443"
    with pytest.raises(ValueError, match="ftp://a"):
        origin("ftp://a")
