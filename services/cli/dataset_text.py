"""A dataset's card in words: sections of facts and tables, for a terminal and for the README of an export.

Invariant: only what the card holds is told; a card of an earlier version leaves lines out, it makes none up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from services.cli import output, words

if TYPE_CHECKING:
    from ratchet.trajectory.v1.trajectory_service_pb2 import Dataset

_MIXTURES = {
    "A": "A: in-domain rows",
    "B": "B: in-domain rows, and as many synthetic ones",
    "C": "C: as many synthetic rows as there are in-domain ones, and nothing else",
}
_ROWS = {"paper": "first, one random middle and last step of each attempt", "all": "every step of each attempt"}


class Section(NamedTuple):
    """A heading with facts, a table, or both. Columns as `output.table` takes them."""

    title: str
    facts: list[tuple[str, str]]
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    note: str = ""


def card_of(found: Dataset) -> dict[str, Any]:
    """The card as plain data; whole numbers are ints again."""
    from google.protobuf.json_format import MessageToDict

    card: dict[str, Any] = _whole(MessageToDict(found.card))
    return card


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def sections(found: Dataset) -> list[Section]:
    """What a person wants to know of it, the most important first."""
    card = card_of(found)
    made = [Section("", _head(found, card)), Section("Where the rows are from", _origin(card))]
    if card.get("filter"):
        made.append(_filter(card["filter"]))
    if card.get("synthesis"):
        made.append(_synthesis(card["synthesis"]))
    return made


def describe(found: Dataset) -> None:
    """Print it."""
    for section in sections(found):
        if section.title:
            output.say()
            output.say(section.title)
        output.fields((f"  {name}" if section.title else name, value) for name, value in section.facts)
        if section.rows:
            output.table(section.columns, section.rows)
        if section.note:
            output.say(f"  {section.note}")


def markdown(found: Dataset) -> str:
    """The same for a README."""
    lines: list[str] = []
    for section in sections(found):
        if section.title:
            lines += ["", f"## {section.title}", ""]
        lines += [f"- **{name}**: {value}" for name, value in section.facts if value]
        if section.rows:
            names = [column.rstrip(">*").lower() for column in section.columns]
            lines += ["", _line(names), _line("---:" if column.endswith(">") else "---" for column in section.columns)]
            lines += [_line(row) for row in section.rows]
        if section.note:
            lines += ["", section.note]
    return "\n".join(lines).strip() + "\n"


def _line(cells: Any) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _head(found: Dataset, card: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("dataset", found.name),
        ("created", words.when(found.create_time)),
        ("mixture", _MIXTURES.get(card.get("mixture", ""), card.get("mixture", ""))),
        ("to train", words.count(found.num_train_rows, "row")),
        ("to validate", words.count(found.num_validation_rows, "row")),
        ("sources", counted(card.get("sources", {}))),
        ("content", found.blob),
    ]


def _origin(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    fraction = card.get("validation_fraction")
    return [
        ("runs", ", ".join(card.get("parents", []))),
        ("phase", card.get("phase", "")),
        ("policies", ", ".join(card.get("policies", []))),
        ("model", _model(card)),
        ("attempts", f"{card.get('num_kept_trajectories', 0)} kept of {card.get('num_plausible', 0)} plausible ones"),
        ("tasks", str(card.get("num_tasks", ""))),
        ("filter", card.get("filter_name", "")),
        ("precedence", card.get("precedence", "")),
        ("steps", _ROWS.get(card.get("rows", ""), card.get("rows", ""))),
        ("held out", f"{words.percent(fraction)} to validate" if fraction is not None else ""),
        ("seed", str(card.get("seed", ""))),
    ]


def _model(card: Mapping[str, Any]) -> str:
    adapter = card.get("adapter", "")
    return f"{card.get('model', '')} with adapter {adapter[:12]}" if adapter else str(card.get("model", ""))


def _filter(found: Mapping[str, Any]) -> Section:
    rows = tuple(
        (
            run,
            str(of["num_trajectories"]),
            str(of["num_plausible"]),
            str(of["num_rewarded"]),
            words.percent(of["precision"]),
            words.percent(of["recall"]),
            f"{of['f1']:.2f}",
            counted(of.get("broken_rules", {})),
        )
        for run, of in sorted(found.items())
    )
    columns = ("RUN", "ATTEMPTS>", "PLAUSIBLE>", "SOLVED>", "PRECISION>", "RECALL>", "F1>", "BROKEN RULES*")
    note = "Solved, precision and recall are by the true reward, which the paper's filter never sees."
    return Section("What the filter found", [], columns, rows, note)


def _synthesis(of: Mapping[str, Any]) -> Section:
    share = of.get("share_as_planned")
    facts = [
        ("writer", f"{of.get('writer', '')}. {of.get('about', '')}"),
        ("model", _model(of)),
        ("prompt format", of.get("prompt_format", "")),
        ("temperature", str(of.get("temperature", ""))),
        ("suite, world", f"{of.get('suite', '')} {of.get('world_seed', '')}".strip()),
        ("rows", f"{of.get('num_rows', 0)} of {of.get('num_objectives', 0)} objectives"),
        ("retries", f"{of.get('objective_retries', '')} an objective, {of.get('example_retries', '')} each other part"),
        ("diversity", f"cosine below {of.get('max_cosine', '')} by {of.get('embedding_model', '')}"),
        ("highest cosine", str(of.get("highest_cosine", ""))),
        ("steps drawn", counted(of.get("positions", {}))),
        ("actions", counted(of.get("actions", {}))),
        ("as planned", f"{words.percent(share)} of actions (a diagnostic)" if share is not None else ""),
        ("key", of.get("key", "")),
    ]
    rows = tuple((check, str(count)) for check, count in _most_first(of.get("refused", {})))
    return Section("How the synthetic rows were written", facts, ("REFUSED BY CHECK", "TIMES>"), rows)


def counted(counts: Mapping[str, int]) -> str:
    """'12 in-domain, 3 synthetic', the most frequent first."""
    return ", ".join(f"{count} {name}" for name, count in _most_first(counts))


def _most_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
