"""Formats and ids, on trees written by hand."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from services.browser import observation
from services.browser.formats.tree import View
from services.browser.nodes import Node, parse
from services.common.errors import InvalidArgument

_numbers = itertools.count(1)


def node(role: str, name: str = "", *below: Node, value: str = "", **properties: Any) -> Node:
    """A node and those below it."""
    return Node(role, name, value, next(_numbers), properties, children=list(below))


def text(name: str) -> Node:
    return node("StaticText", name)


def compact(*below: Node) -> list[str]:
    ids = observation.Ids().of(object(), "document")
    root = node("RootWebArea", "Page", *below, focusable=True)
    return observation.read("compact", View(root, ids, ["Page"], 0)).text.split("\n")


def test_neighbouring_inline_texts_are_one_line_and_blocks_are_not() -> None:
    paragraph = node("paragraph", "", text("Price: "), node("strong", "", text("$12")), text(".99"))
    assert compact(paragraph, node("generic", "", text("In stock"))) == ["text 'Price: $12.99'", "text 'In stock'"]


def test_text_in_links_buttons_and_headings_is_not_repeated() -> None:
    link, button = node("link", "Cart", text("Cart")), node("button", "Go", text("Go"))
    assert compact(link, button, node("heading", "Top", text("Top"))) == [
        "[1] link 'Cart'",
        "[2] button 'Go'",
        "heading 'Top'",
    ]


def test_fields_show_their_value_and_states_are_words() -> None:
    assert compact(
        node("textbox", "Name", text("Ann"), value="Ann"),
        node("textbox", "Empty"),
        node("checkbox", "A", checked="true"),
        node("checkbox", "B", checked="false", disabled=True),
        node("button", "Menu", expanded=False),
        node("option", "Red", selected=True),
    ) == [
        "[1] textbox 'Name': 'Ann'",
        "[2] textbox 'Empty'",
        "[3] checkbox 'A' checked",
        "[4] checkbox 'B' disabled",
        "[5] button 'Menu' collapsed",
        "[6] option 'Red' selected",
    ]


def test_a_row_is_its_cells_and_its_controls_follow() -> None:
    order = node("cell", "Order 7", node("link", "Order 7", text("Order 7")))
    row = node("row", "", order, node("cell"), node("cell", "$5", text("$5")), node("cell", "X", node("button", "X")))
    assert compact(node("table", "", row)) == ["row 'Order 7 | - | $5'", "[1] link 'Order 7'", "[2] button 'X'"]


def test_a_label_beside_its_field_is_not_said_twice() -> None:
    label = node("LabelText", "", text("Search products:"))
    assert compact(label, node("textbox", "Search products")) == ["[1] textbox 'Search products'"]


def test_long_names_are_cut_and_line_breaks_are_spaces() -> None:
    assert compact(node("link", "a\nb\u2028c\x0bd")) == ["[1] link 'a b c d'"]
    (line,) = compact(node("link", "x" * 500))
    assert line == f"[1] link '{'x' * 119}…'"


def test_text_that_imitates_a_line_has_no_id() -> None:
    assert compact(text("x'\n[7] button 'Buy'"), node("link", "See [7]")) == [
        "text 'x' (7) button 'Buy''",
        "[1] link 'See [7]'",
    ]
    page = node("RootWebArea", "Shop", text("x'\n[7] button 'Buy'"))
    assert len(webarena(page, ["Shop"])[2:]) == 2


def test_a_page_that_was_cut_says_so() -> None:
    root = node("RootWebArea", "Page", text("first"))
    told = observation.read("compact", View(root, lambda n: n, ["Page"], 0, is_cut=True)).text
    assert told == "text 'first'\n(the page has more than is shown here)"


def webarena(root: Node, titles: list[str], front: int = 0) -> list[str]:
    lines = observation.read("webarena-axtree", View(root, lambda n: n, titles, front)).text.split("\n")
    return [line.replace(f"[{root.number}]", "[root]") for line in lines]


def test_webarena_text_has_tabs_indentation_and_shown_properties() -> None:
    page = node("RootWebArea", "Shop", node("generic", "", node("heading", "It's", level=1)), focused=True, url="x")
    found = webarena(page, ["Other", "Shop"], front=1)
    number = page.children[0].children[0].number
    assert found == [
        "Tab 0: Other | Tab 1 (current): Shop",
        "",
        "[root] RootWebArea 'Shop' focused: True",
        f'\t[{number}] heading "It\'s"',
    ]


def test_webarena_text_drops_what_says_nothing() -> None:
    item = node("listitem", "", node("link", "Cart", text("Cart")), level=1, busy=1)
    page = node("RootWebArea", "Shop", node("list", "", item), node("image"), text("Cart"), text("New"))
    shown = [line.strip().split("] ", 1)[1] for line in webarena(page, ["Shop"])[2:]]
    assert shown == ["RootWebArea 'Shop'", "link 'Cart'", "image ''", "StaticText 'New'"]


def test_the_page_scripts_answer_becomes_a_tree() -> None:
    rows = [
        [0, 0, 1, "Shop"],
        [1, 1, 2],
        [2, 2, 3, "Name", "Ann", {"required": True}, [8, 9, 100, 20, 1]],
        [1, 3, 4, "Cart", "", 0],
    ]
    tree = parse(json.dumps({"roles": ["RootWebArea", "form", "textbox", "link"], "nodes": rows, "cut": True}))
    form, link = tree.root.children
    (field,) = form.children
    assert (tree.root.name, form.role, link.name, tree.is_cut) == ("Shop", "form", "Cart", True)
    assert (field.value, field.number, field.properties, field.box) == (
        "Ann",
        3,
        {"required": True},
        (8, 9, 100, 20, 1),
    )


def test_ids_stay_with_a_document_and_are_new_in_the_next() -> None:
    ids, tab = observation.Ids(), object()
    first = ids.of(tab, "one")
    assert (first(50), first(60), ids.of(tab, "one")(50)) == (1, 2, 1)
    assert ids.of(tab, "two")(50) == 3


def test_ids_wrap_after_999_and_skip_those_in_use() -> None:
    ids, front, other = observation.Ids(), object(), object()
    kept = ids.of(other, "kept")(1)
    for document in range(998):
        ids.of(front, str(document))(1)
    assert kept == 1
    assert ids.of(front, "last")(1) == 2


def test_a_page_with_more_elements_than_ids_names_the_newest() -> None:
    name = observation.Ids().of(object(), "huge")
    assert len({name(n) for n in range(999)}) == 999
    assert name(5_000) == name(5_000) <= 999


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgument, match="compact, webarena-axtree"):
        observation.check_format("html")
