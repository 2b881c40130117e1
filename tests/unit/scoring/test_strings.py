"""Answers against references, in both named modes."""

from __future__ import annotations

import json

import pytest

from services.scoring import matching, strings, tasks


def judge(answer: str, mode: str = matching.STRICT, **references: object) -> bool:
    note = references.pop("note", "")
    task = {"eval": {"eval_types": ["string_match"], "reference_answers": references, "string_note": note}}
    return strings.judge(tasks.parse(json.dumps(task), {}), answer, matching.named(mode).in_answer)[0]


@pytest.mark.parametrize("answer", ["Quest Lumaflex Band", " quest lumaflex band ", '"Quest Lumaflex Band"'])
def test_exact_match_ignores_case_outer_space_and_quotes(answer):
    assert judge(answer, exact_match="Quest Lumaflex™ Band".replace("™", ""))


@pytest.mark.parametrize("answer", ["", "The Quest Lumaflex Band", "Quest", "'Quest Lumaflex Band\""])
def test_exact_match_takes_nothing_else(answer):
    assert not judge(answer, exact_match="Quest Lumaflex Band")


def test_must_include_wants_every_reference_anywhere_in_the_answer():
    assert judge("It costs $12.99 and ships to Ohio.", must_include=["12.99", "ohio"])
    assert not judge("It costs $12.99.", must_include=["12.99", "ohio"])


def test_must_include_takes_any_alternative():
    assert judge("by car", must_include=["train |OR| car"])
    assert not judge("by boat", must_include=["train |OR| car"])


@pytest.mark.parametrize("mode", [matching.STRICT, matching.WEBARENA])
@pytest.mark.parametrize(("answer", "passes"), [("2", True), ("There are 2.", True), ("12", False), ("2.5", False)])
def test_a_single_sign_must_stand_alone_when_it_is_the_only_reference(answer, passes, mode):
    assert judge(answer, mode, must_include=["2"]) is passes


@pytest.mark.parametrize(
    ("answer", "references"),
    [
        ("12 of them, blue", ["2", "blue"]),
        ("It costs $112.99", ["12.99"]),
        ("It costs $12.995", ["12.99"]),
        ("It costs 5,120 yen", ["120"]),
        ("in Pittsburghers' words", ["pittsburgh"]),
    ],
)
def test_a_part_of_a_word_or_number_is_enough_in_webarena_only(answer, references):
    assert judge(answer, matching.WEBARENA, must_include=references)
    assert not judge(answer, must_include=references)


@pytest.mark.parametrize("reference", ["12.99", "$12.99", "(412) 555", "c++", "-3", "ohio", "50%"])
def test_a_reference_between_signs_is_a_whole_word(reference):
    assert judge(f"It's: «{reference}», and no more.", must_include=[reference])


@pytest.mark.parametrize(
    ("answer", "passes"),
    [
        ("Driving: 2 min, walking takes 16 min", True),
        ("driving 2min; walking 16min", False),
        ("driving: 12min walking 16min", False),
    ],
)
def test_fuzzy_references_must_all_be_said_in_their_own_words(answer, passes):
    references = ["driving: 2min", "walking takes 16 min"]
    assert judge(answer, fuzzy_match=references) is passes


@pytest.mark.parametrize(
    ("reference", "answer"),
    [("1,200 orders", "We had 1200 orders"), ("“quoted” text", "the quoted  text."), ("$0 total", "0 total spend")],
)
def test_fuzzy_words_do_not_mind_typography(reference, answer):
    assert judge(answer, fuzzy_match=reference)


def test_a_fuzzy_reference_without_words_must_be_equal():
    assert judge("?!", fuzzy_match="?!")
    assert not judge("", fuzzy_match="?!")


@pytest.mark.parametrize("answer", ["N/A", "n/a", ' "N/A" '])
def test_an_impossible_task_is_solved_by_na(answer):
    assert judge(answer, fuzzy_match="N/A")


@pytest.mark.parametrize("answer", ["", "none", "N/A because I say so", "Ohio"])
def test_an_impossible_task_is_not_solved_by_silence_or_anything_else(answer):
    assert not judge(answer, fuzzy_match="N/A")


def test_an_impossible_task_is_solved_by_giving_the_noted_reason():
    note = "There is no order in processing"
    assert judge("Sorry: there is no order in processing!", fuzzy_match="N/A", note=note)
    assert not judge("There is an order", fuzzy_match="N/A", note=note)


def test_every_kind_of_reference_must_pass():
    assert judge("Hyatt, time: 15min", must_include=["Hyatt"], fuzzy_match=["Time: 15min"])
    assert not judge("time: 15min", must_include=["Hyatt"], fuzzy_match=["Time: 15min"])


@pytest.mark.parametrize("answer", ["\x00", "𝕏" * 10_000, "'", "\ud7ff", "((((", "%s %d {}"])
def test_odd_answers_are_judged_never_raised_on(answer):
    assert judge(answer, matching.WEBARENA, must_include=["x"]) is False
    for references in ({"exact_match": "x"}, {"must_include": ["x"]}, {"fuzzy_match": ["x y"]}):
        assert judge(answer, **references) in (True, False)
