"""Malformed tasks are refused by field; func: helpers are a closed list."""

from __future__ import annotations

import json

import pytest

from services.common.errors import InvalidArgument
from services.scoring import functions, looks, matching, tasks

SITES = {"__SHOPPING__": "http://shop.test/", "__REDDIT__": "http://forum.test"}


def parse(**evaluation: object) -> tasks.Evaluation:
    return tasks.parse(json.dumps({"task_id": 7, "eval": evaluation}), SITES)


@pytest.mark.parametrize(
    ("evaluation", "field"),
    [
        ({}, "eval.eval_types"),
        ({"eval_types": []}, "eval.eval_types"),
        ({"eval_types": ["page_image"]}, "eval.eval_types.0"),
        ({"eval_types": ["string_match"]}, "reference_answers"),
        ({"eval_types": ["url_match"], "reference_url": ""}, "reference_url"),
        ({"eval_types": ["program_html"], "program_html": []}, "program_html"),
        ({"eval_types": ["string_match"], "reference_answers": {}}, "string_match needs reference_answers"),
        ({"eval_types": ["string_match"], "reference_answers": {"exact": "x"}}, "eval.reference_answers.exact"),
        (
            {"eval_types": ["string_match"], "reference_answers": {"must_include": ["x", 3]}},
            "eval.reference_answers.must_include.1",
        ),
        ({"eval_types": ["url_match"], "reference_url": "http://x/", "url_note": "LIKE"}, "eval.url_note"),
        (
            {"eval_types": ["program_html"], "program_html": [{"url": "last", "locator": ""}]},
            "eval.program_html.0.required_contents",
        ),
        ({"eval_types": ["url_match"], "reference_url": "__MAP__/x"}, "__MAP__"),
    ],
)
def test_a_malformed_task_names_its_field(evaluation, field):
    with pytest.raises(InvalidArgument) as caught:
        parse(**evaluation)
    assert field in caught.value.message


@pytest.mark.parametrize("text", ["", "{", "[]", '{"eval": 3}', "null"])
def test_what_is_no_task_is_refused(text):
    with pytest.raises(InvalidArgument, match=r"task_json|eval"):
        tasks.parse(text, SITES)


def test_placeholders_become_display_urls_everywhere():
    target = {
        "url": "__REDDIT__/f/books",
        "locator": "",
        "required_contents": {"must_include": ["href=__SHOPPING__/a"]},
    }
    parsed = parse(eval_types=["program_html"], program_html=[target], reference_url="__SHOPPING__/x")
    assert parsed.reference_url == "http://shop.test/x"
    assert parsed.program_html is not None
    assert parsed.program_html[0].url == "http://forum.test/f/books"
    assert parsed.program_html[0].required_contents.must_include == ["href=http://shop.test/a"]


def test_a_posts_url_is_found_from_any_page_below_it():
    last = "http://forum.test/f/books/42/a-long-title/-/comment/9?x=1"
    resolved = functions.resolve_url("func:reddit_get_post_url('__last_url__')", last, SITES)
    assert resolved == "http://forum.test/f/books/42/"
    for other in ("http://forum.test/f/books", "http://forum.test/user/42/x", "nonsense"):
        assert functions.post_url(other) == other


def test_helpers_that_ask_the_site_become_looks_at_its_pages():
    order = functions.resolve_url("func:shopping_get_latest_order_url()", "", SITES)
    assert isinstance(order, functions.Look)
    assert order.url == "http://shop.test/sales/order/history/"
    role = functions.resolve_locator("func:gitlab_get_project_memeber_role(__page__, 'koush')", "http://c.test/m", {})
    assert role.url == "http://c.test/m"
    assert '"koush"' in role.locator


@pytest.mark.parametrize(
    "text",
    [
        "func:__import__('os').system('x')",
        "func:open('/etc/passwd')",
        "func:shopping_get_latest_order_url(1)",
        "func:reddit_get_post_url(__import__('os'))",
        "func:",
    ],
)
def test_other_functions_are_refused_not_run(text):
    for resolve in (functions.resolve_url, functions.resolve_locator):
        with pytest.raises(InvalidArgument, match="is not known"):
            resolve(text, "http://forum.test/", SITES)


def test_an_argument_cannot_leave_its_quotes_in_the_page():
    name = "x</script>' + alert(1) + '"
    assert json.dumps(name) in functions.member_role(name)


def test_required_contents_follow_webarenas_comparison_in_that_mode():
    included = matching.named(matching.WEBARENA).in_page
    wanted = tasks.RequiredContents(must_include=["Blue Kettle |OR| red kettle", "2"])
    assert looks.missing(wanted, "<td>RED KETTLE</td><td>12</td>", included) == []
    assert looks.missing(wanted, "green kettle 2", included) == ["does not include 'Blue Kettle |OR| red kettle'"]
    exact = tasks.RequiredContents(exact_match="Closed")
    assert looks.missing(exact, " closed ", included) == []
    assert looks.missing(exact, "", included) == ["is not 'Closed'"]
