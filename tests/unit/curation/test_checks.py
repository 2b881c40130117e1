"""What a synthetic answer must hold, and the name of the check that refuses it."""

from __future__ import annotations

import numpy as np
import pytest

from services.common import prompts
from services.curation.synthesis import asking, checks
from services.curation.synthesis.diversity import Diversity
from services.curation.synthesis.examples import Refused

BRIEF, COT = prompts.named("brief"), prompts.named("webarena-cot")
PAGE = "[4] link 'Plots'\nheading 'Plots'\n[7] textbox 'Cooper's Row': 'x'\n\t[9] button \"It's on\" pressed"


@pytest.mark.parametrize(
    ("response", "action"),
    [
        ("Plots [4]\nACTION: click [4]", "click [4]"),
        ("Row [7]\nACTION: type [7] [two words] [0]", "type [7] [two words] [0]"),
        ("Age: 9\nACTION: stop [9 [years]]", "stop [9 [years]]"),
        ("down\nACTION: scroll [down]", "scroll [down]"),
        ("back\nACTION: go_back", "go_back"),
    ],
)
def test_one_action_of_a_known_form_is_read(response, action):
    assert checks.action_of(response, BRIEF) == action


@pytest.mark.parametrize(
    ("response", "check"),
    [
        ("Plots [4]", "no_action"),
        ("Plots\nACTION: click [4]\nACTION: click [7]", "several_actions"),
        ("Born\nACTION: stop [77+\nACTION: stop [77+]", "several_actions"),
        ("Plots\nACTION: click [4]\nand then some", "several_actions"),
        ("Plots\nACTION: press_here [4]", "unknown_verb"),
        ("Plots\nACTION: 4", "unknown_verb"),
        ("Plots\nACTION: click [Plots]", "bad_arguments"),
        ("Plots\nACTION: click [4] [7]", "bad_arguments"),
        ("Plots\nACTION: scroll [left]", "bad_arguments"),
        ("Plots\nACTION: stop [N/A]", "gave_up"),
        ("Plots\nACTION: stop [ ]", "gave_up"),
    ],
)
def test_what_does_not_hold_is_named(response, check):
    with pytest.raises(Refused) as caught:
        checks.action_of(response, BRIEF)
    assert caught.value.check == check


def test_a_chain_of_thought_holds_one_fenced_action():
    said = "Let's think step-by-step. The plot is here. In summary, the next action I will perform is ```{}```"
    assert checks.action_of(said.format("click [4]"), COT) == "click [4]"
    with pytest.raises(Refused, match="several_actions"):
        checks.action_of(said.format("click [4]``` or ```click [7]"), COT)


def test_elements_are_read_with_their_names_and_an_id_stands_once():
    found = checks.elements(PAGE)
    assert {number: (each.role, each.name) for number, each in found.items()} == {
        4: ("link", "Plots"),
        7: ("textbox", "Cooper"),
        9: ("button", "It's on"),
    }
    with pytest.raises(Refused, match="repeated_id"):
        checks.elements(PAGE + "\n[4] link 'Again'")


def test_an_action_names_an_element_of_the_page_as_shown():
    found = checks.elements(PAGE)
    checks.check_on_page("click [9]", found, PAGE)
    checks.check_on_page("stop [9]", {}, "")
    for action, shown in (("click [5]", PAGE), ("type [9] [x] [1]", PAGE[:60])):
        with pytest.raises(Refused, match="not_on_page"):
            checks.check_on_page(action, found, shown)


def test_an_objective_is_let_in_below_the_cosine_only():
    def at(cosine: float) -> np.ndarray:
        return np.array([cosine, np.sqrt(1 - cosine**2), 0], dtype=np.float32)

    diversity = Diversity(0.70)
    diversity.add(at(1.0))
    for cosine in (0.9, 0.7001):
        with pytest.raises(Refused, match="similar"):
            diversity.admit(at(cosine))
    diversity.admit(at(0.69))
    # Unlike the first, but like the one that was let in: at 0.69 and at 0.2 the angle between them is 32 degrees.
    with pytest.raises(Refused, match="similar"):
        diversity.admit(at(0.2))
    diversity.admit(np.array([0, 0, 1], dtype=np.float32))
    assert diversity.highest == pytest.approx(0.69)


@pytest.mark.parametrize(
    ("read", "answer", "check"),
    [
        (asking.read_objective, "OBJECTIVE: Pay a bill", "objective_format"),
        (asking.read_objective, "WEBSITE: somewhere\nOBJECTIVE: Pay a bill", "objective_format"),
        (asking.read_objective, f"WEBSITE: a.test\nOBJECTIVE: {'x' * 501}", "objective_format"),
        (asking.read_plan, "1. stop: at once", "plan_format"),
        (asking.read_plan, "1. stop: no\n2. click: yes", "plan_format"),
        (asking.read_plan, "1. fly: up\n2. stop: done", "plan_format"),
        (lambda text: asking.read_address(text, "a.test"), "http://b.test/x", "address"),
        (lambda text: asking.read_address(text, "a.test"), "it is here", "address"),
        (lambda text: asking.read_draft(text, is_first=True), "PAGE:\n[1] link 'x'", "draft_format"),
        (
            lambda text: asking.read_draft(text, is_first=True),
            "PAGE:\np\nPREVIOUS ACTION: click [3]\nNEXT ACTION:\nx",
            "previous_action",
        ),
        (
            lambda text: asking.read_draft(text, is_first=False),
            "PAGE:\np\nPREVIOUS ACTION: None\nNEXT ACTION:\nx",
            "previous_action",
        ),
        (asking.read_page, "There is a page.", "page_format"),
    ],
)
def test_an_answer_in_a_wrong_form_is_refused_by_name(read, answer, check):
    with pytest.raises(Refused) as caught:
        read(answer)
    assert caught.value.check == check


def test_answers_in_the_right_form_are_read():
    said = "WEBSITE: www.ferry.test\nOBJECTIVE: Book a cabin for 2"
    assert asking.read_objective(said) == ("ferry.test", "Book a cabin for 2")
    assert asking.read_plan("1. **click**: Cabins\n2. Type: a name\n3. stop: done") == [
        ("click", "Cabins"),
        ("type", "a name"),
        ("stop", "done"),
    ]
    assert asking.read_address("URL: https://m.ferry.test/cabins", "ferry.test") == "https://m.ferry.test/cabins"
    draft = asking.read_draft(
        "PAGE:\n[1] link 'x'\nPREVIOUS ACTION: `click [3]` where the element is link 'Cabins'\nNEXT ACTION:\nso ...",
        is_first=False,
    )
    assert draft == ("[1] link 'x'", "click [3]", ("link", "Cabins"), "so ...")
    page = "[1] link 'a'\n[2] link 'b'\n[3] link 'c'"
    assert asking.read_page(f"```\n{page}\n```\n") == page
