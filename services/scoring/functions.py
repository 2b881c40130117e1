"""The functions that a WebArena task may name as `func:...`, as a closed list.

Invariant: no text of a task is ever run as Python. Each function becomes a page to open and a JavaScript expression
that the session's own page evaluates, so it sees what the logged-in user sees and needs no credentials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from services.common.errors import InvalidArgument
from services.scoring import urls

_CALL = re.compile(r"func:\s*(\w+)\((.*)\)\s*", re.DOTALL)
_ARGUMENT = re.compile(r"""\s*(?:'([^'\\]*)'|"([^"\\]*)"|(__page__))\s*(?:,|$)""")


class Look(NamedTuple):
    """A page ("last" or a display URL) and the expression to evaluate there."""

    url: str
    locator: str


def _latest_order(shop: str) -> Look:
    link = "document.querySelector(\"a[href*='/sales/order/view/']\").href"
    # Only the path: the address behind the shop's name is the session's own affair.
    return Look(f"{shop}/sales/order/history/", f"new URL({link}).pathname")


_REVIEW = """(async () => {
  const page = async (url) => new DOMParser().parseFromString(await (await fetch(url)).text(), "text/html");
  const list = await page("/catalogsearch/result/?q=" + encodeURIComponent(%(sku)s));
  const product = await page(list.querySelector(".product-item-link").href);
  const id = product.querySelector("[data-product-id], input[name=product]");
  const reviews = await page("/review/product/listAjax/id/" + (id.dataset.productId || id.value) + "/");
  const latest = reviews.querySelector(".review-item");
  return %(value)s;
})()"""
_AUTHOR = 'latest.querySelector(".review-details-value").textContent.trim()'
_RATING = 'String(parseInt(latest.querySelector(".rating-result").title))'


def _review(value: str) -> Callable[[str, str], Look]:
    def look(shop: str, sku: str) -> Look:
        return Look(f"{shop}/", _REVIEW % {"sku": json.dumps(sku), "value": value})

    return look


_ROLE = """(() => {
  const row = [...document.querySelectorAll("tr")].find(
    (row) => row.innerText.split(/[^\\w.@-]+/).includes("@" + %s));
  return row.querySelector("[data-label='Max role'], .member-role").innerText;
})()"""


def member_role(username: str) -> str:
    """Expression for the role that a member has on a project's list of members."""
    return _ROLE % json.dumps(username)


def post_url(last_url: str) -> str:
    """The post's own page for any page below it; other URLs are as they were."""
    address = urls.parse(last_url)
    if address is None or len(address.path) < 3 or address.path[0] != "f" or not address.path[2].isdigit():
        return last_url
    origin = last_url.split("//", 1)[0]
    return f"{origin}//{address.host}/f/{address.path[1]}/{address.path[2]}/"


def resolve_url(text: str, last_url: str, placeholders: Mapping[str, str]) -> str | Look:
    """The URL that `func:...` stands for, or the look that finds it; raises InvalidArgument."""
    name, arguments = _parse(text, "url")
    if name == "reddit_get_post_url" and len(arguments) == 1:
        return post_url(last_url if arguments[0] == "__last_url__" else arguments[0])
    if name == "shopping_get_latest_order_url" and not arguments:
        return _latest_order(_shop(placeholders))
    raise _unknown(text, "url", "reddit_get_post_url(url), shopping_get_latest_order_url()")


def resolve_locator(text: str, url: str, placeholders: Mapping[str, str]) -> Look:
    """The look that `func:...` stands for, on the page `url`; raises InvalidArgument."""
    name, arguments = _parse(text, "locator")
    if name == "gitlab_get_project_memeber_role" and len(arguments) == 2 and arguments[0] == "__page__":
        return Look(url, member_role(arguments[1]))
    if name == "shopping_get_sku_latest_review_author" and len(arguments) == 1:
        return _review(_AUTHOR)(_shop(placeholders), arguments[0])
    if name == "shopping_get_sku_latest_review_rating" and len(arguments) == 1:
        return _review(_RATING)(_shop(placeholders), arguments[0])
    raise _unknown(
        text,
        "locator",
        "gitlab_get_project_memeber_role(__page__, name), shopping_get_sku_latest_review_author(sku), "
        "shopping_get_sku_latest_review_rating(sku)",
    )


def _parse(text: str, field: str) -> tuple[str, list[str]]:
    call = _CALL.fullmatch(text)
    if call is None:
        raise _unknown(text, field, "func:name('argument', ...)")
    arguments, rest = [], call[2]
    while rest.strip():
        found = _ARGUMENT.match(rest)
        if found is None:
            raise _unknown(text, field, "quoted texts as arguments")
        arguments.append(next(part for part in found.groups() if part is not None))
        rest = rest[found.end() :]
    return call[1], arguments


def _shop(placeholders: Mapping[str, str]) -> str:
    try:
        return placeholders["__SHOPPING__"].rstrip("/")
    except KeyError:
        raise InvalidArgument("the task asks the shop, and no site stands for __SHOPPING__") from None


def _unknown(text: str, field: str, known: str) -> InvalidArgument:
    return InvalidArgument(f"eval.program_html: {field} {text!r} is not known; use {known}", field=field)
