"""Numbers and names as people read and type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.cli import names, output, words
from services.common.errors import InvalidArgument, NotFound

_KNOWN = ["iterations/3f2b99", "iterations/3f2a01", "iterations/2c0000"]


def test_shares_and_differences_are_written_in_percent_with_a_sign_only_on_differences() -> None:
    assert words.percent(0.4125) == "41.2 %"
    assert [words.points(share) for share in (0.0625, -0.0125, 0.0, -0.0001)] == ["+6.2", "−1.2", "±0.0", "±0.0"]
    assert words.interval(0.338, 0.488) == "[33.8, 48.8]"
    assert [words.p_value(p) for p in (0.0004, 0.021, 0.6)] == ["p < 0.001", "p = 0.021", "p = 0.60"]


def test_durations_change_their_unit_without_a_gap() -> None:
    spans = [0.0, 0.85, 12.44, 59.99, 60, 185, 3599.7, 7620]
    said = ["–", "850 ms", "12.4 s", "60.0 s", "1 min 00 s", "3 min 05 s", "1 h 00 min", "2 h 07 min"]
    assert [words.duration(span) for span in spans] == said


def test_a_time_is_said_as_an_age_and_later_as_a_date() -> None:
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def at(text: str) -> Timestamp:
        time = Timestamp()
        time.FromJsonString(text)
        return time

    assert words.when(at("2026-11-22T11:59:48Z"), now) == "12 s ago"
    assert words.when(at("2026-11-22T09:00:00Z"), now) == "3 h ago"
    assert words.when(at("2026-11-01T09:30:00Z"), now) == "2026-11-01 09:30Z"
    assert words.when(Timestamp(), now) == words.DASH


def test_counts_have_the_right_plural() -> None:
    assert [words.count(number, "trajectory") for number in (1, 2)] == ["1 trajectory", "2 trajectories"]
    assert words.count(1200, "task") == "1,200 tasks"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("last", 0), ("3f2a", 1), ("iterations/2", 2), ("iterations/3f2b99", 0), ("2c0000", 2)],
)
def test_a_short_id_finds_the_one_that_starts_with_it(typed: str, meant: int) -> None:
    assert names.match(typed, "iterations", _KNOWN, listing="x") == _KNOWN[meant]


def test_an_exact_id_wins_over_a_longer_one() -> None:
    assert names.match("base", "policies", ["policies/base-2", "policies/base"], listing="x") == "policies/base"


def test_an_ambiguous_or_unknown_id_says_what_to_type() -> None:
    with pytest.raises(InvalidArgument, match=r"3f2b99, 3f2a01; give more"):
        names.match("3f2", "iterations", _KNOWN, listing="ratchet iterations list")
    with pytest.raises(NotFound, match="ratchet iterations list"):
        names.match("zz", "iterations", _KNOWN, listing="ratchet iterations list")
    with pytest.raises(NotFound, match="no iterations yet"):
        names.match("last", "iterations", [], listing="x")
    with pytest.raises(InvalidArgument, match="not the name of one of the iterations"):
        names.match("policies/3f2a", "iterations", _KNOWN, listing="x")


def test_text_from_a_page_can_neither_steer_the_terminal_nor_be_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("INTENT",), [("[red]\x1b[2Jhi\u202e[/red] :smile:",)])
    printed = capsys.readouterr().out
    assert "[red]" in printed
    assert ":smile:" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed
