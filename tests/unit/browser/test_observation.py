"""The text of trees written by hand, and what the page script's answers become."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from services.browser import observation
from services.browser.formats.tree import View
from services.browser.formats.webarena import lines
from services.browser.nodes import Answer, Box, Node, parse, parse_text
from services.common.errors import InvalidArgument

_numbers = itertools.count(1)


def node(role: str, name: str = "", *below: Node, value: str = "", **properties: Any) -> Node:
    """A node and those below it."""
    return Node(role, name, value, next(_numbers), properties, children=list(below))


def text(name: str) -> Node:
    return node("StaticText", name)


def webarena(root: Node, titles: list[str], front: int = 0) -> list[str]:
    found = lines(View(root, titles, front))
    return [line.text.replace(f"[{root.number}]", "[root]") for line in found]


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
        [2, 2, 3, "Name", "Ann", {"required": True}, [8, 9, 100, 20, 100, 0]],
        [1, 3, 4, "Cart", "", 0],
    ]
    tree = parse(Answer({"roles": ["RootWebArea", "form", "textbox", "link"], "nodes": rows, "cut": True}))
    form, link = tree.root.children
    (field,) = form.children
    assert (tree.root.name, form.role, link.name, tree.is_cut) == ("Shop", "form", "Cart", True)
    assert (field.value, field.number, field.properties, field.box) == (
        "Ann",
        3,
        {"required": True},
        Box(8, 9, 100, 20, 100, 0),
    )


def compact(lines: list[str], first: int, **more: Any) -> dict[str, Any]:
    """A page script's answer with one element a line, numbered from `first`."""
    numbers = list(range(first, first + len(lines)))
    same = {"ids": numbers, "numbers": numbers, "roles": ["link"] * len(lines), "names": lines}
    return {"title": "Shop", "text": "\n".join(lines), "last": 9, "cut": False} | same | more


def test_lines_of_frames_stand_where_the_frames_are() -> None:
    inner = Answer(compact(["c"], 21, cut=True, frames=[]))
    middle = Answer(compact([], 11, frames=[[90, 0, 0]]), {90: inner})
    page = compact(["a", "b", "d"], 1, frames=[[7, 0, 0], [8, 2, 2], [9, 3, 3]])
    text = parse_text(Answer(page, {8: middle, 9: Answer(compact(["e"], 31))}))
    assert (text.text, text.is_cut, text.last) == ("a\nb\nc\nd\ne", True, 9)
    assert [element.id for element in text.elements] == [1, 2, 21, 3, 31]


def test_trees_of_frames_hang_below_the_frames() -> None:
    inner = {"roles": ["RootWebArea"], "nodes": [[0, 0, 1_000_001, "Pay"]], "cut": True}
    page = {"roles": ["RootWebArea", "Iframe"], "nodes": [[0, 0, 1], [1, 1, 2], [1, 1, 3]], "cut": False}
    tree = parse(Answer(page, {2: Answer(inner), 3: Answer({"roles": [], "nodes": [], "cut": False})}))
    first, second = tree.root.children
    assert ([below.name for below in first.children], second.children, tree.is_cut) == (["Pay"], [], True)


def test_ids_of_other_tabs_are_taken_until_those_show_another_document_or_close() -> None:
    ids, front, other = observation.Ids(), object(), object()
    ids.given(other, "kept", 2, [1, 2])
    ids.given(front, "one", 4, [3, 4])
    ids.given(front, "one", 5, [4, 5])
    assert (ids.last, ids.of_others(front), ids.of_others(other)) == (5, [1, 2], [3, 4, 5])
    ids.given(front, "two", 6, [6])
    assert ids.of_others(other) == [6]
    ids.drop([front])
    assert ids.of_others(front) == []


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidArgument, match="compact, webarena-axtree"):
        observation.check_format("html")
