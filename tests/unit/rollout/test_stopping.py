"""The paper's stopping rules, one example each."""

from __future__ import annotations

from services.rollout.stopping import (
    MAX_STEPS,
    REPEATED_ACTIONS,
    REPEATED_TYPING,
    UNPARSABLE,
    StoppingRules,
)


def reasons(actions: list[str], max_steps: int = 30) -> list[str]:
    rules = StoppingRules(max_steps)
    return [rules.observe(action) for action in actions]


def test_three_equal_actions_in_a_row_end_the_episode() -> None:
    assert reasons(["click [1]", "click [2]", "click [2]", "click [2]"]) == ["", "", "", REPEATED_ACTIONS]


def test_equal_actions_that_are_not_in_a_row_do_not() -> None:
    assert reasons(["click [1]", "click [2]", "click [1]", "click [2]", "click [1]"]) == [""] * 5


def test_the_same_typing_three_times_ends_it_even_with_others_between() -> None:
    typed = "type [5] [kettle] [1]"
    assert reasons([typed, "click [1]", typed, "click [2]", typed]) == ["", "", "", "", REPEATED_TYPING]


def test_three_unparsable_responses_in_a_row_end_it() -> None:
    assert reasons(["", "", "click [1]", "", "", ""]) == ["", "", "", "", "", UNPARSABLE]


def test_the_step_limit_ends_it() -> None:
    assert reasons(["click [1]", "click [2]"], max_steps=2) == ["", MAX_STEPS]
