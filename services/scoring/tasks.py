"""The part of a task that says how it is judged, checked field by field.

Invariant: whatever passes `parse` can be evaluated; whatever cannot is refused with the name of the field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from services.common.errors import InvalidArgument

OR = " |OR| "
_PLACEHOLDER = re.compile(r"__[A-Z][A-Z_]*[A-Z]__")


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ReferenceAnswers(_Strict):
    """What the answer must be, hold or mean; every given one must pass."""

    exact_match: str | None = None
    must_include: list[str] | None = None
    fuzzy_match: str | list[str] | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> ReferenceAnswers:
        if not (self.exact_match is not None or self.must_include or self.fuzzy_match):
            raise ValueError("give at least one of exact_match, must_include and fuzzy_match")
        return self


class RequiredContents(_Strict):
    """What the looked-up text must be or hold; every given one must pass."""

    exact_match: str | None = None
    must_include: list[str] | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> RequiredContents:
        if self.exact_match is None and not self.must_include:
            raise ValueError("give exact_match or must_include")
        return self


class Target(_Strict):
    """One look at one page."""

    # "last", a URL, or one of functions.URLS as "func:...".
    url: Annotated[str, Field(min_length=1)]
    # A JavaScript expression, "" for the whole page, or one of functions.LOCATORS as "func:...".
    locator: str
    required_contents: RequiredContents
    prep_actions: list[str] = []


class Evaluation(BaseModel):
    """A task's `eval`."""

    model_config = ConfigDict(frozen=True, strict=True)

    eval_types: Annotated[list[Literal["string_match", "url_match", "program_html"]], Field(min_length=1)]
    reference_answers: ReferenceAnswers | None = None
    string_note: str | None = None
    reference_url: str | None = None
    url_note: Literal["GOLD in PRED", "EXACT"] | None = None
    program_html: list[Target] | None = None

    @field_validator("reference_answers", mode="before")
    @classmethod
    def _none_is_none(cls, value: Any) -> Any:
        # Tasks that are not judged by their answer spell it {} or null.
        return None if value == {} else value

    @model_validator(mode="after")
    def _has_what_its_types_need(self) -> Evaluation:
        needs = {
            "string_match": ("reference_answers", self.reference_answers),
            "url_match": ("reference_url", self.reference_url),
            "program_html": ("program_html", self.program_html),
        }
        for kind in self.eval_types:
            field, value = needs[kind]
            if not value:
                raise ValueError(f"{kind} needs {field}")
        return self


def parse(task_json: str, placeholders: Mapping[str, str]) -> Evaluation:
    """The task's `eval` with placeholders replaced by display URLs; raises InvalidArgument naming the field."""
    try:
        task = json.loads(task_json)
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"task_json is not JSON: {error}", field="task_json") from error
    if not isinstance(task, dict) or not isinstance(task.get("eval"), dict):
        raise InvalidArgument("task_json has no object in the field eval", field="eval")
    known = {key: value.rstrip("/") for key, value in placeholders.items()}
    try:
        return Evaluation.model_validate(_replaced(task["eval"], known, "eval"))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["eval", *map(str, first["loc"])])
        raise InvalidArgument(
            f"task {task.get('task_id', '?')}: {field}: {first['msg'].removeprefix('Value error, ')}", field=field
        ) from error


def _replaced(value: Any, known: Mapping[str, str], field: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(item, known, f"{field}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, known, f"{field}.{at}") for at, item in enumerate(value)]
    if not isinstance(value, str):
        return value
    for placeholder, url in known.items():
        value = value.replace(placeholder, url)
    if field.rpartition(".")[2] in ("url", "reference_url") and (left := _PLACEHOLDER.search(value)):
        raise InvalidArgument(
            f"{field} has the placeholder {left[0]}, which no site stands for; known: {', '.join(sorted(known))}",
            field=field,
        )
    return value
