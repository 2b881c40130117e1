"""What a constrained model may write is what an agent loop can read, and nothing that it could do is left out."""

from __future__ import annotations

import re

import pytest

from services.browser import actions
from services.common import prompts
from services.common.prompts.grammar import ACTION
from services.common.prompts.view import Thought

WRITTEN = [
    "click [4]", "hover [511]", "tab_focus [0]", "type [13] [Kim [the] 2nd] [0]", "type [13] [] [1]",
    "select [3] [Red]", "upload [3] [a.png]", "drag [1] [22]", "press [Ctrl+v]", "goto [http://shop.test/a?b=c]",
    "scroll [up]", "dialog [dismiss]", "dialog [accept]", "dialog [accept] [a name]", "new_tab", "close_tab", "go_back",
    "go_forward", "stop [$12.99]", "stop []",
]  # fmt: skip
REFUSED = ["click", "click [a]", "type [4] [x]", "press []", "goto [ ]", "scroll [left]", "wait [3]", "click [4] "]


@pytest.mark.parametrize("text", WRITTEN)
def test_every_action_as_it_is_written_is_in_the_grammar(text: str) -> None:
    assert str(actions.parse(text)) == text
    assert re.fullmatch(ACTION, text)


def test_every_verb_is_in_the_grammar() -> None:
    assert {text.split()[0] for text in WRITTEN} == set(actions.VERBS)


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_written_action_is_not_in_the_grammar(text: str) -> None:
    assert not re.fullmatch(ACTION, text)


@pytest.mark.parametrize("name", ["brief", "webarena-cot"])
@pytest.mark.parametrize("action", ["click [4]", "type [13] [Kim] [0]", "stop [N/A]"])
def test_what_an_expert_writes_is_in_the_format_s_grammar(name: str, action: str) -> None:
    form = prompts.named(name)
    assert re.fullmatch(form.regex, form.phrase(Thought("Kettles [4]", action)))
    assert not re.fullmatch(form.regex, form.phrase(Thought("Kettles [4]", "wait")))
