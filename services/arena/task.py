"""Tasks: templates, their drafts, WebArena's JSON for them, and the expert's moves.

Invariant: a task's JSON has WebArena's keys, no more and no fewer; the expert's script is data (JSON), made
from the world's facts when the draft is built.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.arena.site import ADDRESSES

if TYPE_CHECKING:
    from services.arena.world import World

NOT_APPLICABLE = "N/A"


@dataclass(frozen=True)
class Check:
    """One part of a task's `eval`."""

    kind: str  # string_match | url_match | program_html
    body: dict[str, Any]


def exact(answer: str | int) -> Check:
    """The answer must be this text (after WebArena's cleaning)."""
    return Check("string_match", {"reference_answers": {"exact_match": str(answer)}, "annotation": str(answer)})


def includes(*parts: str | int) -> Check:
    """The answer must contain each part."""
    texts = [str(part) for part in parts]
    return Check("string_match", {"reference_answers": {"must_include": texts}, "annotation": ", ".join(texts)})


def not_applicable(why: str) -> Check:
    """The task is impossible; only the answer N/A is right. `why` goes into string_note."""
    body = {"reference_answers": {"fuzzy_match": NOT_APPLICABLE}, "annotation": NOT_APPLICABLE, "note": why}
    return Check("string_match", body)


def at_url(url: str) -> Check:
    """The episode must end at this placeholder URL."""
    return Check("url_match", {"reference_url": url})


def page_has(url: str, locator: str, *, exact: str | None = None, includes: Sequence[str] | None = None) -> Check:
    """After the episode, what `locator` finds at `url` ("last" = where it ended) must be / contain this."""
    if (exact is None) == (includes is None):
        raise ValueError("page_has needs either exact= or includes=")
    wanted = {"exact_match": exact} if exact is not None else {"must_include": list(includes or ())}
    return Check("program_html", {"url": url, "locator": locator, "required_contents": wanted})


def text_of(selector: str) -> str:
    """A locator: the text of the first element that a CSS selector (without double quotes) finds."""
    return f'document.querySelector("{selector}").outerText'


Move = dict[str, Any]


def click(role: str, name: str, nth: int = 0) -> Move:
    """Click the nth element with this accessible role and exact name."""
    return {"kind": "click", "role": role, "name": name, "nth": nth}


def fill(role: str, name: str, text: str, enter: bool = False) -> Move:
    """Replace a field's content (the `type` action), then press Enter if asked."""
    return {"kind": "fill", "role": role, "name": name, "text": text, "enter": enter}


def press(keys: str) -> Move:
    """Press a key combination."""
    return {"kind": "press", "keys": keys}


def scroll(direction: str) -> Move:
    """Scroll `up` or `down`."""
    return {"kind": "scroll", "direction": direction}


def goto(site_key: str, path: str) -> Move:
    """Open a path of a site by its shown address."""
    return {"kind": "goto", "site": site_key, "path": path, "url": ADDRESSES[site_key].display_url + path}


def back() -> Move:
    """Go back one page."""
    return {"kind": "back"}


def stop(answer: str | int, source: str = "") -> Move:
    """End with an answer; `source` is the text of the page element that it is read from, if any."""
    return {"kind": "stop", "answer": str(answer), "source": source}


@dataclass(frozen=True)
class Draft:
    """One instance of a template: its values, how it is judged, and how an expert does it.

    `start` is a path on the template's first site.
    """

    values: dict[str, str | int]
    eval: Check | tuple[Check, ...]
    script: tuple[Move, ...]
    start: str = "/"

    @property
    def checks(self) -> tuple[Check, ...]:
        return self.eval if isinstance(self.eval, tuple) else (self.eval,)


Build = Callable[["World", random.Random, int], list[Draft]]


@dataclass(frozen=True)
class Template:
    """A family of tasks. `build(world, rng, n)` gives up to n distinct drafts, deterministically.

    `held_out` templates are in the split "heldout-templates" only. `signed_in=False`: the episode starts
    without a session.
    """

    id: int
    sites: tuple[str, ...]
    text: str
    build: Build
    held_out: bool = False
    signed_in: bool = True


@dataclass(frozen=True)
class Task:
    """A draft with its place in a suite."""

    template: Template
    instance: int
    draft: Draft

    @property
    def id(self) -> int:
        return self.template.id * 1000 + self.instance

    @property
    def intent(self) -> str:
        text = self.template.text
        for name, value in self.draft.values.items():
            text = text.replace("{{" + name + "}}", str(value))
        return text

    @property
    def impossible(self) -> bool:
        return any("note" in check.body for check in self.draft.checks)

    def expert(self) -> list[Move]:
        """The expert's moves, each JSON-able."""
        return [dict(move) for move in self.draft.script]

    def webarena(self) -> dict[str, Any]:
        """The task as WebArena writes it, URLs with placeholders."""
        first = self.template.sites[0]
        has_login = self.template.signed_in and first != "wikipedia"
        path = "" if self.draft.start == "/" else self.draft.start
        return {
            "sites": list(self.template.sites),
            "task_id": self.id,
            "require_login": self.template.signed_in,
            "storage_state": f"./.auth/{first}_state.json" if has_login else None,
            "start_url": ADDRESSES[first].placeholder + path,
            "geolocation": None,
            "intent_template": self.template.text,
            "instantiation_dict": dict(self.draft.values),
            "intent": self.intent,
            "require_reset": False,
            "eval": _evaluation(self.draft.checks),
            "intent_template_id": self.template.id,
        }


def _evaluation(checks: tuple[Check, ...]) -> dict[str, Any]:
    strings = [check.body for check in checks if check.kind == "string_match"]
    urls = [check.body["reference_url"] for check in checks if check.kind == "url_match"]
    pages = [check.body for check in checks if check.kind == "program_html"]
    if len(strings) > 1 or len(urls) > 1 or not checks:
        raise ValueError("a draft needs a check, with at most one on the answer and one on the URL")
    kinds = [kind for kind in ("string_match", "url_match", "program_html") if any(c.kind == kind for c in checks)]
    evaluation: dict[str, Any] = {
        "eval_types": kinds,
        "reference_answers": strings[0]["reference_answers"] if strings else None,
        "reference_url": urls[0] if urls else "",
        "program_html": pages,
        "string_note": strings[0].get("note", "") if strings else "",
        "reference_answer_raw_annotation": strings[0]["annotation"] if strings else "",
    }
    if urls:
        evaluation["url_note"] = "GOLD in PRED"
    return evaluation
