"""Reading a file of WebArena tasks: every fault is named with its line and field."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.common.errors import InvalidArgument

_MAX_FAULTS = 10


class BadTaskFile(InvalidArgument):
    """The file is no list of WebArena tasks; the message lists the faults."""

    reason = "BAD_TASK_FILE"


class _ProgramHtml(BaseModel):
    url: str
    locator: str
    required_contents: dict[Literal["exact_match", "must_include"], str | list[str]]


class _Eval(BaseModel):
    eval_types: list[Literal["string_match", "url_match", "program_html"]] = Field(min_length=1)
    reference_answers: dict[Literal["exact_match", "must_include", "fuzzy_match"], str | list[str]] | None
    reference_url: str | None
    program_html: list[_ProgramHtml]


class _Task(BaseModel):
    """WebArena's keys; extra ones are kept, as other suites add notes of their own."""

    model_config = ConfigDict(extra="allow", strict=True)

    sites: list[str] = Field(min_length=1)
    task_id: int
    require_login: bool
    storage_state: str | None
    start_url: str = Field(min_length=1)
    intent_template: str
    intent: str = Field(min_length=1)
    intent_template_id: int
    eval: _Eval


def parse(text: str) -> list[dict[str, Any]]:
    """The tasks, unchanged. Raises BadTaskFile naming line and field of each fault (the first ten)."""
    try:
        tasks = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadTaskFile(f"line {error.lineno}, column {error.colno}: not JSON: {error.msg}") from error
    if not isinstance(tasks, list) or not tasks:
        raise BadTaskFile("line 1: the file must be a JSON array with at least one task")
    lines, faults, seen = _lines(text), list[str](), dict[int, int]()
    for line, task in zip(lines, tasks, strict=True):
        try:
            parsed = _Task.model_validate(task)
        except ValidationError as error:
            for fault in error.errors():
                field = ".".join(str(part) for part in fault["loc"]) or "task"
                faults.append(f"line {line}: {field}: {fault['msg']}")
            continue
        if parsed.task_id in seen:
            faults.append(f"line {line}: task_id: {parsed.task_id} was used on line {seen[parsed.task_id]}")
        seen[parsed.task_id] = line
    if faults:
        more = f"\n... and {len(faults) - _MAX_FAULTS} more" if len(faults) > _MAX_FAULTS else ""
        raise BadTaskFile("\n".join(faults[:_MAX_FAULTS]) + more, num_faults=len(faults))
    return tasks


def _lines(text: str) -> list[int]:
    """Line on which each element of the top array begins."""
    decoder, lines = json.JSONDecoder(), list[int]()
    position = text.index("[") + 1
    while True:
        while text[position] in " \t\r\n,":
            position += 1
        if text[position] == "]":
            return lines
        lines.append(text.count("\n", 0, position) + 1)
        _value, position = decoder.raw_decode(text, position)
