"""Invented sites read as the browser would tell them, lead to their objectives, and share no name with the arena."""

from __future__ import annotations

import re

import pytest

from services.arena import names
from services.arena.world import World
from services.curation.synthesis import checks
from services.curation.synthesis.examples import draw_step, draws
from services.curation.synthesis.grammar import pages, scenarios, sites
from services.curation.synthesis.grammar.drawing import table

ACTED_ON = re.compile(
    r"\[\d{1,3}\] (?:link|button|searchbox|textbox|checkbox) '[^\n]{1,120}'(?:: '[^\n]{1,120}')?(?: checked)?"
)
READ = re.compile(r"(?:heading|text|row) '[^\n]{1,400}'")
SCENARIOS = [scenarios.draw(draws("test", number)) for number in range(400)]


def drawn(scenario: scenarios.Scenario, step: int, first_id: int) -> pages.Page:
    page = pages.Page(first_id)
    scenario.moves[step].draw(page, scenario.site, draws("page", scenario.objective, step))
    return page


def test_every_line_is_a_line_of_the_compact_observation_and_no_id_comes_twice():
    for scenario in SCENARIOS:
        for step in range(len(scenario.moves)):
            text = str(drawn(scenario, step, first_id=985))
            lines = text.split("\n")
            assert all(ACTED_ON.fullmatch(line) or READ.fullmatch(line) for line in lines), text
            assert len(checks.elements(text)) == sum(line.startswith("[") for line in lines) >= 4
            assert len(lines) < 50


def test_ids_go_on_with_1_after_999():
    numbers = list(checks.elements(str(drawn(SCENARIOS[0], 0, first_id=998))))
    assert numbers[:4] == [998, 999, 1, 2]


def test_each_planned_action_acts_on_its_own_page_and_the_last_one_stops():
    for scenario in SCENARIOS:
        for step, move in enumerate(scenario.moves):
            page = drawn(scenario, step, first_id=40)
            action = move.action(page.ids)
            checks.check_form(action)
            checks.check_on_page(action, checks.elements(str(page)), str(page))
            assert (move.verb == "stop") == (step == len(scenario.moves) - 1)


def test_an_answer_that_is_asked_for_stands_on_the_last_page():
    asking = [scenario for scenario in SCENARIOS if scenario.objective.endswith("?")]
    assert len(asking) > 100
    for scenario in asking:
        last = len(scenario.moves) - 1
        assert f": {scenario.moves[last].text}'" in str(drawn(scenario, last, 1))


def test_a_form_shows_what_was_typed_and_no_more():
    filling = [scenario for scenario in SCENARIOS if scenario.moves[1].verb == "type"]
    assert len(filling) > 20
    for scenario in filling:
        typed = [(move.target, move.text) for move in scenario.moves if move.verb == "type"]
        assert dict(typed) == scenario.site.fields
        for step in range(1, len(typed) + 2):
            text = str(drawn(scenario, step, 1))
            for at, (label, value) in enumerate(typed, 1):
                assert (f"textbox '{label}': '{value}'" in text) == (at < step)


def test_the_same_seeds_draw_the_same_site_and_others_another():
    assert scenarios.draw(draws("test", 7)).objective == SCENARIOS[7].objective
    assert len({scenario.objective for scenario in SCENARIOS}) > 380
    assert {scenario.site.kind for scenario in SCENARIOS} == set(sites.kinds())


def test_no_person_or_town_has_a_name_that_the_arena_could_invent():
    onsets, codas = ("|".join(sorted(sounds, key=len, reverse=True)) for sounds in (names._ONSETS, names._CODAS))
    invented = re.compile(rf"(?:(?:{onsets})[aeiou]){{2,3}}(?:{codas})?")
    assert all(invented.fullmatch(World("eval", 1).names(draws("names", n)).word()) for n in range(20))
    words = " ".join(name for kind in ("given", "surname", "town", "street") for name in table("words")[kind])
    assert [word for word in re.findall(r"[a-z]{5,9}", words.lower()) if invented.fullmatch(word)] == []


def test_steps_are_drawn_first_middle_last_as_1_2_1():
    rng, counts = draws("steps"), {"first": 0, "middle": 0, "last": 0}
    for _ in range(4_000):
        index, position = draw_step(rng, 5)
        counts[position] += 1
        assert position == {0: "first", 4: "last"}.get(index, "middle")
    assert counts["middle"] == pytest.approx(2_000, abs=150)
    assert counts["first"] == pytest.approx(1_000, abs=120)
    assert {draw_step(rng, 2)[0] for _ in range(50)} == {0, 1}
    assert draw_step(rng, 1)[0] == 0
