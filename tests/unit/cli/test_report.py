"""The report: complete in itself, safe with hostile texts, honest about what it leaves out."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from html.parser import HTMLParser

import pytest

from ratchet.orchestrator.v1.iteration_service_pb2 import Iteration
from services.cli.report import charts, page, shots, story, viewer
from services.cli.report.facts import Facts, spread


class Page(HTMLParser):
    """What a browser would see of a page: tags, texts, scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts[-1] += data
        else:
            self.text += f" {data}"

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def html(facts: Facts) -> str:
    return page.render(facts)


def test_no_text_of_a_page_becomes_markup(html: str) -> None:
    seen = Page(html)
    assert len(seen.scripts) == 1
    assert "window.hacked" not in seen.scripts[0]
    assert "window.hacked=1" in seen.text
    assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes)
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_the_files_own_policy_allows_its_script_and_nothing_from_outside(html: str) -> None:
    seen = Page(html)
    policy = next(meta["content"] for meta in seen.all("meta") if meta.get("http-equiv"))
    digest = base64.b64encode(hashlib.sha256(seen.scripts[0].encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    loaded = [value for _, tag in seen.tags for name, value in tag.items() if name in ("src", "href") and value]
    assert loaded
    assert all(value.startswith(("data:", "#")) for value in loaded)
    assert "url(" not in html


def test_every_link_leads_somewhere(html: str) -> None:
    seen = Page(html)
    ids = [tag["id"] for _, tag in seen.tags if tag.get("id")]
    assert len(ids) == len(set(ids))
    links = {link["href"][1:] for link in seen.all("a") if link.get("href")}
    borrowed = {image["data-same-as"] for image in seen.all("img") if image.get("data-same-as")}
    assert len(links) > 10
    assert borrowed
    assert links | borrowed <= set(ids)


def test_the_verdict_comes_first_and_scores_have_n_interval_and_the_trivial_agent(html: str) -> None:
    text = " ".join(Page(html).text.split())
    verdict = "Promoted: the tuned policy solves 45.0 % of 160 held-out tasks, the base 35.0 %."
    assert text.index(verdict) < text.index("Scores on held-out tasks")
    assert "+10.0 percentage points, paired 95 % interval +5.0 to +15.0, p = 0.021" in text
    for words in ("base 56 160 35.0 % [28.0, 42.5]", "tuned 72 160 45.0 %", "trivial 8 160 5.0 %"):
        assert words in text
    assert "precision" in text
    assert "201 of 480" in text
    assert "3 more are left out" in text


def test_a_picture_is_embedded_once(facts: Facts, html: str) -> None:
    used = set(shots.wanted(facts.trajectories)) & set(facts.images)
    assert len(used) == 11
    assert html.count("data:image/jpeg;base64,") == len(used)


def test_changed_tasks_come_first_and_are_linked_to_both_attempts(facts: Facts) -> None:
    built = viewer.build(facts)
    assert [film.change for film in built.films[:12]] == [
        *["gained", "gained", "lost"] * 4,
    ]
    change = built.gained[0]
    outcomes = {film.anchor: film.outcome for film in built.films}
    assert (change.task_id, outcomes[change.tuned], outcomes[change.base]) == ("2", "solved", "unsolved")
    assert {film.outcome for film in built.films if film.task_id == "77"} == {"failed"}


def test_long_texts_are_cut_and_counted(facts: Facts) -> None:
    facts.trajectories[0].steps[0].observation = "x" * 50_000
    built = viewer.build(facts)
    frame = next(film for film in built.films if film.anchor == viewer.anchor(facts.trajectories[0].name)).frames[0]
    assert len(frame.observation) < 7_000
    assert "44,000 more characters" in frame.observation
    assert built.num_texts_cut == 1


@pytest.mark.parametrize(
    ("state", "verdict", "said"),
    [
        ("STATE_RUNNING", "", "Not finished"),
        ("STATE_FAILED", "", "The iteration failed: the disk is full"),
        ("STATE_CANCELLED", "", "The iteration cancelled: the disk is full"),
        ("STATE_SUCCEEDED", "kept", "Nothing was promoted: there was no candidate"),
    ],
)
def test_an_iteration_without_a_candidate_has_a_report_too(state: str, verdict: str, said: str) -> None:
    iteration = Iteration(
        name="iterations/x",
        state=Iteration.State.Value(state),
        phase="collect",
        verdict=verdict,
        base_policy="policies/b",
    )
    iteration.verdict_reason = "too few plausible" if verdict else ""
    iteration.error = "the disk is full" if state in ("STATE_FAILED", "STATE_CANCELLED") else ""
    html = page.render(Facts(iteration=iteration, trajectories=[]))
    text = Page(html).text
    assert said in text
    assert "No policy was evaluated" in text
    assert "Nothing was trained" in text


def test_a_worse_candidate_is_called_not_promoted(facts: Facts) -> None:
    iteration = facts.iteration
    iteration.verdict = "kept"
    del iteration.reports[0]
    assert story.headline(iteration).startswith("Not promoted: the tuned policy solves 23.8 %")
    assert "−1.2 percentage points" in story.subline(iteration)


def test_an_axis_shows_all_of_every_interval() -> None:
    values = [charts.Interval("a", "base", 0.02, 0.0, 0.061, ""), charts.Interval("b", "tuned", 0.97, 0.91, 1.0, "")]
    for drawn in (charts.scores(values), charts.scores(values[:1]), charts.differences(values)):
        assert len({tick.at for tick in drawn.ticks}) == len(drawn.ticks) >= 4
        for dot in drawn.dots:
            assert drawn.left <= dot.low <= dot.x <= dot.high <= drawn.right
        assert (drawn.ticks[0].at, drawn.ticks[-1].at) == (drawn.left, drawn.right)


@pytest.mark.parametrize("points", [[(1.0, 0.5), (2.0, 0.5)], [(3.0, 2.0)], [(0.0, 9.0), (500.0, 1.001)]])
def test_a_curve_stays_within_its_frame(points: list[tuple[float, float]]) -> None:
    drawn = charts.curve(points, level=1.5, level_label="base", dots=True)
    for pair in drawn.points.split():
        x, y = map(float, pair.split(","))
        assert drawn.left <= x <= drawn.right
        assert drawn.top <= y <= drawn.bottom
    assert drawn.level is not None
    assert drawn.top <= drawn.level.at <= drawn.bottom


def test_shares_of_time_fill_the_bar() -> None:
    parts = charts.stacked([("a", "a", 3.0, ""), ("b", "b", 1.0, "")])
    assert [(part.start, part.width) for part in parts] == [(0.0, 75.0), (75.0, 25.0)]
    assert charts.stacked([("a", "a", 0.0, "")]) == []


def test_a_selection_of_attempts_takes_from_every_kind(facts: Facts) -> None:
    collected = [item for item in facts.trajectories if item.phase == "collect"]
    chosen = spread(collected, facts.broken_rules, 3)
    assert {item.reward for item in chosen} == {0.0, 1.0}
    assert {item.state for item in chosen} == {1, 2}
    assert len(spread(collected, {}, 100)) == len(collected)


def test_pictures_shrink_and_what_is_no_picture_stays_as_it_is(facts: Facts) -> None:
    image = next(iter(facts.images.values()))
    small = shots.shrink(image)
    assert len(small) < len(image)
    assert small.startswith(b"\xff\xd8\xff")
    assert shots.shrink(b"\xff\xd8\xff not a picture") == b"\xff\xd8\xff not a picture"


def test_the_report_of_facts_without_pictures_says_so(facts: Facts) -> None:
    html = page.render(dataclasses.replace(facts, images={}, num_images_left_out=14))
    assert "14 more are left out" in html
    assert "data:image/jpeg" not in html
