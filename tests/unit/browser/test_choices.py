"""Which options a text means."""

from __future__ import annotations

import pytest

from services.browser.choices import choose
from services.browser.ports import NotActionable

SIZES = ("Small", " Medium\n", "Large", "Extra large", "large")


@pytest.mark.parametrize(
    ("text", "options", "index"),
    [
        ("Large", SIZES, 2),
        ("large", SIZES, 4),
        ("medium", SIZES, 1),
        ("MEDIUM ", SIZES, 1),
        ("extra", SIZES, 3),
        ("all", SIZES, 0),
        ("a  b", ("a b", "a bc"), 0),
        ("Straße", ("Strasse",), 0),
        ("twice", ("once", "Twice", "Twice"), 1),
        ("", ("Choose", ""), 1),
        ("a] [b", ("a", "b", "a] [b"), 2),
    ],
)
def test_one_option_is_meant(text: str, options: tuple[str, ...], index: int) -> None:
    assert choose(text, options, can_be_several=False) == [index]


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("arg", SIZES, "has several options like 'arg': 'Large', 'Extra large', 'large'"),
        ("LARGE", SIZES, "has several options like 'LARGE': 'Large', 'large'"),
        ("Huge", SIZES, "has no option 'Huge'; its options are: 'Small', 'Medium', 'Large', 'Extra large', 'large'"),
        ("", SIZES, "has no option ''; its options are: 'Small'"),
        ("Small] [Large", SIZES, "takes one option"),
        ("x", (), "has no options"),
        ("x", ["o" * 90] + [f"n{i}" for i in range(30)], f"are: '{'o' * 59}…', 'n0'"),
        ("x", [f"n{i}" for i in range(30)], "'n19' and 10 more"),
    ],
)
def test_what_means_none_or_many_is_refused_with_what_there_is(text: str, options: list[str], told: str) -> None:
    with pytest.raises(NotActionable) as refusal:
        choose(text, options, can_be_several=False)
    assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "indices"),
    [("large] [Small", [0, 4]), ("Small", [0]), ("", []), ("small] [Small", [0])],
)
def test_a_list_of_several_takes_several_or_none(text: str, indices: list[int]) -> None:
    assert choose(text, SIZES, can_be_several=True) == indices


def test_an_empty_label_can_be_meant_in_a_list_of_several() -> None:
    assert choose("", ("a", ""), can_be_several=True) == [1]
