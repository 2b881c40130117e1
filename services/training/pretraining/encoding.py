"""Texts as tokens, once, and the turning of element ids.

Ids on a page mean nothing but "this line", and an episode may meet any of them. So pages are kept with their
ids counted from 0, and each time a page is used all ids on it and in its answers are turned by one random
amount. Pages that differ only in their ids thereby become one page with many questions.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
from transformers import PreTrainedTokenizerFast

from services.training.pretraining import vocabulary
from services.training.pretraining.demonstrations import LEAD, Demonstration
from services.training.pretraining.lookups import Query

Tokens = npt.NDArray[np.int64]
_ID = re.compile(r"\[(\d{1,3})\]")
_THOUGHT_ID = re.compile(r" \[(\d{1,3})\](?=\nACTION: )")
_FLAGGED = re.compile(r"\nACTION: type .* \[[01]\]$")
_ACTION_ID = re.compile(r"(?<=\nACTION: )(click|type|hover) \[(\d{1,3})\]")


@dataclass(frozen=True)
class Segment:
    """A question with its answer, as tokens; the page is elsewhere."""

    given: Tokens
    answer: Tokens
    skill: str
    # The answer's last but one token is the 0|1 of a `type` action, which looks like an id and is none.
    flagged: bool


@dataclass
class Page:
    """A page, the demonstrations on it and, for each of them, the world that it comes from."""

    text: str
    world: str
    demonstrations: list[Demonstration] = field(default_factory=list)


class Encoder:
    """Turns texts into tokens with the tokenizer of the model."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, max_page_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.max_page_tokens = max_page_tokens
        self.end = int(tokenizer.eos_token_id)
        self.first_id: int = tokenizer.convert_tokens_to_ids("[0]")  # type: ignore[assignment]
        self._pages: dict[str, Tokens] = {}

    @property
    def ids(self) -> range:
        """The tokens that are element ids."""
        return range(self.first_id, self.first_id + vocabulary.NUM_IDS)

    def encode(self, text: str) -> Tokens:
        """Tokens of `text`."""
        ids: list[int] = self.tokenizer.backend_tokenizer.encode(text, add_special_tokens=False).ids
        return np.array(ids, dtype=np.int64)

    def page(self, text: str) -> Tokens:
        """Tokens of the prompt's beginning: the lead and the page, cut to the most that a page may take."""
        known = self._pages.get(text)
        if known is None:
            known = np.concatenate([self.encode(LEAD), self.encode(text)[: self.max_page_tokens]])
            self._pages[text] = known
        return known

    def segment(self, query: Query, *, ends: bool) -> Segment:
        """A question and its answer; `ends` says that the answer is a whole response."""
        answer = self.encode(query.answer)
        if ends:
            answer = np.append(answer, self.end)
        return Segment(
            self.encode(query.given), answer, query.skill, ends and _FLAGGED.search(query.answer) is not None
        )

    def turn(self, tokens: Tokens, by: int) -> Tokens:
        """The tokens with every id moved by `by`, from 999 on to 0."""
        is_id = (tokens >= self.ids.start) & (tokens < self.ids.stop)
        return np.where(is_id, self.first_id + (tokens - self.first_id + by) % vocabulary.NUM_IDS, tokens)

    def turn_answer(self, segment: Segment, by: int) -> Segment:
        """The same question with the ids of its answer moved."""
        answer = self.turn(segment.answer, by)
        if segment.flagged:
            answer[-2] = segment.answer[-2]
        return replace(segment, answer=answer)


def from_zero(demonstration: Demonstration) -> tuple[str, str]:
    """The demonstration's page and response with the ids counted from the page's first one."""
    first = _ID.search(demonstration.page)
    by = int(first[1]) if first else 0

    def moved(number: str) -> str:
        return str((int(number) - by) % vocabulary.NUM_IDS)

    page = "\n".join(
        _ID.sub(lambda match: f"[{moved(match[1])}]", line, count=1) if line.startswith("[") else line
        for line in demonstration.page.split("\n")
    )
    response = _THOUGHT_ID.sub(lambda match: f" [{moved(match[1])}]", demonstration.response)
    response = _ACTION_ID.sub(lambda match: f"{match[1]} [{moved(match[2])}]", response)
    return page, response


def gather(demonstrations: list[Demonstration]) -> list[Page]:
    """Pages with their demonstrations, ids counted from 0, in order of first sight."""
    pages: dict[tuple[str, str], Page] = {}
    for demonstration in demonstrations:
        text, response = from_zero(demonstration)
        page = pages.setdefault((demonstration.world, text), Page(text, demonstration.world))
        page.demonstrations.append(Demonstration(**{**demonstration.__dict__, "page": text, "response": response}))
    return list(pages.values())


def by_world(demonstrations: list[Demonstration]) -> dict[str, list[Demonstration]]:
    """Demonstrations by the world that they come from."""
    worlds: dict[str, list[Demonstration]] = defaultdict(list)
    for demonstration in demonstrations:
        worlds[demonstration.world].append(demonstration)
    return dict(worlds)
