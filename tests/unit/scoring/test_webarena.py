"""Each of WebArena's 812 tasks: read, its sites put in, and every evaluator of it tells right from wrong."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks import webarena
from services.common.errors import InvalidArgument
from services.scoring import functions, looks, matching, strings, tasks
from services.scoring.tasks import OR, Evaluation, RequiredContents

pytestmark = pytest.mark.skipif(not webarena.TASKS.is_file(), reason=webarena.MISSING)
SITES = {
    f"__{name}__": f"http://{name.lower().replace('_', '-')}.test:7770"
    for name in ("SHOPPING", "SHOPPING_ADMIN", "REDDIT", "GITLAB", "MAP", "WIKIPEDIA", "HOMEPAGE")
}
MODES = [matching.named(name) for name in (matching.STRICT, matching.WEBARENA)]


@pytest.fixture(scope="module")
def evaluations() -> list[Evaluation]:
    read = [tasks.parse(json.dumps(task), SITES) for task in json.loads(webarena.TASKS.read_text())]
    assert len(read) == 812
    return read


def test_no_placeholder_is_left_in_any_url(evaluations):
    for evaluation in evaluations:
        urls = [evaluation.reference_url or "", *(target.url for target in evaluation.program_html or [])]
        assert not [url for url in urls if "__" in url and not url.startswith("func:")]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_every_answer_is_told_from_none(evaluations, mode):
    judged = 0
    for evaluation in evaluations:
        wanted = evaluation.reference_answers
        if "string_match" not in evaluation.eval_types:
            continue
        fuzzy = [wanted.fuzzy_match] if isinstance(wanted.fuzzy_match, str) else wanted.fuzzy_match or []
        right = "\n".join([*([wanted.exact_match] if wanted.exact_match else []), *(wanted.must_include or []), *fuzzy])
        assert strings.judge(evaluation, right, mode.in_answer)[0], right
        assert not strings.judge(evaluation, "", mode.in_answer)[0], right
        judged += 1
    assert judged == 335


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_every_url_is_told_from_another(evaluations, mode):
    judged = 0
    for evaluation in evaluations:
        if "url_match" not in evaluation.eval_types:
            continue
        for reference in evaluation.reference_url.split(OR):
            assert mode.at_url(evaluation.reference_url, reference, evaluation.url_note)
        assert not mode.at_url(evaluation.reference_url, "http://elsewhere.test/", evaluation.url_note)
        judged += 1
    assert judged == 205


def contents(required: RequiredContents) -> str:
    """A page's text that has everything."""
    if required.exact_match is not None:
        return required.exact_match
    return "\n".join(text.split(OR)[0] for text in required.must_include or [])


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_every_look_at_a_page_can_be_taken_and_judged(evaluations, mode):
    kinds: Counter[str] = Counter()
    for evaluation in evaluations:
        for target in evaluation.program_html or []:
            kinds["looks"] += 1
            url = target.url
            if url.startswith("func:"):
                kinds["func url"] += 1
                assert functions.resolve_url(url, f"{SITES['__REDDIT__']}/f/books/7/title", SITES)
            if target.locator.startswith("func:"):
                kinds["func locator"] += 1
                assert functions.resolve_locator(target.locator, url, SITES).locator
            text = contents(target.required_contents)
            assert looks.missing(target.required_contents, text, mode.in_page) == []
            if text:
                assert looks.missing(target.required_contents, "", mode.in_page)
    assert kinds["looks"] == 651
    assert kinds["func locator"] + kinds["func url"] >= 22


def test_a_site_that_is_not_configured_is_named(evaluations):
    task = next(
        task for task in json.loads(webarena.TASKS.read_text()) if "__GITLAB__" in str(task["eval"]["reference_url"])
    )
    with pytest.raises(InvalidArgument, match=r"eval\.reference_url has the placeholder __GITLAB__"):
        tasks.parse(json.dumps(task), {"__SHOPPING__": "http://shop.test"})
