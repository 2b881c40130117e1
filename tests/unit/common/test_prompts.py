"""Prompts show what the agent may see; responses give back one action, or none."""

from __future__ import annotations

import pytest

from services.common import prompts
from services.common.errors import InvalidArgument
from services.common.prompts.view import Thought, View, element_id, stop_answer, with_name

VIEW = View("[4] link 'Kettles'", "http://shop.test/", "Open the kettles", "click [7]", ("button", "Menu"))


def test_the_brief_prompt_is_exactly_what_the_tiny_policy_was_trained_on() -> None:
    parts = prompts.named("brief").build(VIEW, 800)
    assert "".join(part.text for part in parts) == (
        "PAGE:\n[4] link 'Kettles'\nURL: http://shop.test/\nOBJECTIVE: Open the kettles\n"
        "PREVIOUS: click button 'Menu'\nNEXT:\n"
    )
    assert [part.max_tokens for part in parts] == [0, 800, 0]


def test_the_first_step_has_no_previous_action() -> None:
    parts = prompts.named("brief").build(VIEW._replace(previous="", previous_element=("", "")), 800)
    assert "PREVIOUS: none\n" in parts[-1].text


def test_the_paper_s_prompt_keeps_its_examples_as_a_stable_prefix() -> None:
    paper = prompts.named("webarena-cot")
    first, second = paper.build(VIEW, 1920), paper.build(VIEW._replace(observation="other", previous=""), 1920)
    assert [part.role for part in first[:1]] == ["system"]
    assert first[:-3] == second[:-3]
    assert sum(part.role == "assistant" for part in first) == 2


@pytest.mark.parametrize("name", ["brief", "webarena-cot"])
def test_what_an_expert_writes_is_read_back_as_its_action(name: str) -> None:
    found = prompts.named(name)
    assert found.extract(found.phrase(Thought("Kettles [4]", "type [4] [a b] [1]"))) == "type [4] [a b] [1]"


@pytest.mark.parametrize(
    ("name", "response"), [("brief", "click [4]"), ("brief", ""), ("webarena-cot", "I would click [4].")]
)
def test_a_response_without_its_marker_has_no_action(name: str, response: str) -> None:
    assert prompts.named(name).extract(response) is None


def test_the_last_of_several_actions_counts() -> None:
    assert prompts.named("brief").extract("ACTION: click [1]\nACTION: click [2]") == "click [2]"
    assert prompts.named("webarena-cot").extract("```click [1]``` no: ```click [2]```") == "click [2]"


def test_an_unknown_format_is_refused_with_the_known_names() -> None:
    with pytest.raises(InvalidArgument, match="brief, webarena-cot"):
        prompts.named("verbose")


def test_stop_gives_its_answer_and_nothing_else_does() -> None:
    assert stop_answer("stop [$12.99]") == "$12.99"
    assert stop_answer("stop") == ""
    assert stop_answer("stop [a [b] c]") == "a [b] c"
    assert stop_answer("click [3]") is None


def test_an_action_s_element_is_named_from_the_observation() -> None:
    assert element_id("type [12] [x] [1]") == 12
    assert with_name("click [12]", {12: ("link", "Home")}) == ("link", "Home")
    assert with_name("scroll [down]", {12: ("link", "Home")}) == ("", "")
