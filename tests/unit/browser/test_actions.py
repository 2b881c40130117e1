"""The action grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.browser.actions import Action, NotAnAction, parse, several


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("click [12]", Action("click", target=12)),
        (" click[12] ", Action("click", target=12)),
        ("hover [3]", Action("hover", target=3)),
        ("type [5] [blue kettle] [1]", Action("type", target=5, text="blue kettle")),
        ("type [5] [blue kettle] [0]", Action("type", target=5, text="blue kettle", enter=False)),
        ("type [5] [blue kettle]", Action("type", target=5, text="blue kettle")),
        ("type [5] []", Action("type", target=5, text="")),
        ("type [5] [a [nested] note] [0]", Action("type", target=5, text="a [nested] note", enter=False)),
        ("type [5] [1]", Action("type", target=5, text="1")),
        ("type [5] [two\nlines] [1]", Action("type", target=5, text="two\nlines")),
        ("select [5] [Large]", Action("select", target=5, text="Large")),
        ("select [5] [Red] [Blue]", Action("select", target=5, text="Red] [Blue")),
        ("select[5][ a [b] ]", Action("select", target=5, text="a [b]")),
        ("select [5] []", Action("select", target=5, text="")),
        ("upload [7] [note [1].txt]", Action("upload", target=7, text="note [1].txt")),
        ("drag [3] [14]", Action("drag", target=3, onto=14)),
        ("drag[3][14]", Action("drag", target=3, onto=14)),
        ("dialog [accept]", Action("dialog", text="accept")),
        ("dialog [ dismiss ]", Action("dialog", text="dismiss")),
        ("dialog [accept] []", Action("dialog", text="accept", answer="")),
        ("dialog [accept] [Ann] [the first]", Action("dialog", text="accept", answer="Ann] [the first")),
        ("press [Control+A]", Action("press", text="Control+A")),
        ("scroll [down]", Action("scroll", text="down")),
        ("scroll up", Action("scroll", text="up")),
        ("new_tab", Action("new_tab")),
        ("tab_focus [0]", Action("tab_focus", target=0)),
        ("goto [http://shop.test/a?b=[1]]", Action("goto", text="http://shop.test/a?b=[1]")),
        ("go_back", Action("go_back")),
        ("stop [$12.99]", Action("stop", text="$12.99")),
        ("stop []", Action("stop", text="")),
        ("stop", Action("stop", text="")),
    ],
)
def test_an_action_is_understood(text: str, action: Action) -> None:
    assert parse(text) == action


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is not an action"),
        ("I will click [12]", "is not an action"),
        ("tap [12]", "click [id]"),
        ("click [Buy]", "click takes another form: click [id]"),
        ("click [12] and wait", "click takes another form"),
        ("click", "click [id]"),
        ("type [5]", "type [id] [text] [0|1]"),
        ("select [5]", "select [id] [option]"),
        ("select [Size] [Large]", "select takes another form"),
        ("upload [5] []", "upload [id] [file name]"),
        ("drag [5]", "drag [id] [id]"),
        ("drag [5] [here]", "drag takes another form"),
        ("dialog", "dialog [accept|dismiss]"),
        ("dialog [yes]", "dialog takes another form"),
        ("dialog [dismiss] [text]", "dialog takes another form"),
        ("scroll [left]", "scroll [up|down]"),
        ("press []", "press [key_comb]"),
        ("goto", "goto [url]"),
        ("go_back [2]", "go_back takes another form"),
        ("click [12]\nclick [13]", "click takes another form"),
        ("stop [" + "x" * 9_000 + "]", "at most 8000"),
    ],
)
def test_what_is_no_action_is_refused_in_words_for_the_model(text: str, told: str) -> None:
    with pytest.raises(NotAnAction) as refusal:
        parse(text)
    assert told in str(refusal.value)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_ACTIONS = st.one_of(
    st.builds(Action, st.sampled_from(["click", "hover", "tab_focus"]), target=st.integers(0, 999_999)),
    st.builds(Action, st.just("type"), target=st.integers(0, 999), text=_TEXT, enter=st.booleans()),
    st.builds(Action, st.sampled_from(["press", "goto"]), text=_TEXT.map(lambda t: f"x{t}x")),
    st.builds(Action, st.just("select"), target=st.integers(0, 999), text=_TEXT.map(str.strip)),
    st.builds(Action, st.just("upload"), target=st.integers(0, 999), text=_TEXT.map(lambda t: f"x{t}x")),
    st.builds(Action, st.just("drag"), target=st.integers(0, 999), onto=st.integers(0, 999)),
    st.builds(Action, st.just("dialog"), text=st.just("accept"), answer=st.none() | _TEXT),
    st.builds(Action, st.just("dialog"), text=st.just("dismiss")),
    st.builds(Action, st.just("stop"), text=_TEXT.map(str.strip)),
    st.builds(Action, st.just("scroll"), text=st.sampled_from(["up", "down"])),
    st.builds(Action, st.sampled_from(["new_tab", "close_tab", "go_back", "go_forward"])),
)


@given(_ACTIONS)
def test_every_action_survives_being_written_and_read(action: Action) -> None:
    assert parse(str(action)) == action


@given(st.text(max_size=60))
def test_any_text_is_an_action_or_refused(text: str) -> None:
    try:
        parsed = parse(text)
    except NotAnAction:
        return
    assert parse(str(parsed)) == parsed


@pytest.mark.parametrize(
    ("text", "known", "named"),
    [
        ("Red] [Blue", ["Red", "Blue"], ["Red", "Blue"]),
        ("Red][ Blue ", [], ["Red", "Blue"]),
        ("a] [b", ["a] [b", "a", "b"], ["a] [b"]),
        ("Red, Blue", [], ["Red, Blue"]),
        ("", [], [""]),
    ],
)
def test_a_text_names_itself_or_each_of_its_parts(text: str, known: list[str], named: list[str]) -> None:
    assert several(text, known) == named
