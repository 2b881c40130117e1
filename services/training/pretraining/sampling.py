"""What the model is shown: pages with questions on them, by a curriculum.

Pages are first cut to a few lines around what a step needs, which makes a step cheap, then to more and more
lines, and are whole in the end. Look-ups and made-up objectives stand beside the expert's steps throughout.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from services.training.pretraining import lookups, packing, pages
from services.training.pretraining.demonstrations import Demonstration
from services.training.pretraining.encoding import Encoder, Page, Segment
from services.training.pretraining.lookups import Query
from services.training.pretraining.packing import ID_SKILL
from services.training.pretraining.pages import Line

DENSE = ("look", "read", "press", "fill")
SKILLS = [*DENSE, "demo", "decide", ID_SKILL]
_MOST_GAP = 440


@dataclass
class Curriculum:
    """Where training stands. `level` is the number of lines that a page is cut to; it only grows."""

    level: int = 6
    top: int = 48
    bar: float = 0.93
    """Share of ids that must be right (smoothed) before the level grows."""
    patience: int = 10
    """Fewest steps at a level."""
    limit: int = 80
    """Most steps at a level."""
    waited: int = 0

    @property
    def whole(self) -> bool:
        """Pages are shown uncut."""
        return self.level >= self.top

    def saw(self, accuracy: float) -> None:
        """One optimiser step was made at this (smoothed) share of right ids."""
        self.waited += 1
        ready = (accuracy > self.bar and self.waited >= self.patience) or self.waited >= self.limit
        if ready and not self.whole:
            self.level += max(2, self.level // 4)
            self.waited = 0


def query_of(demonstration: Demonstration) -> Query:
    """A demonstration as a question."""
    return Query(demonstration.question, demonstration.response, "demo")


def decisions_of(demonstration: Demonstration) -> list[Query]:
    """The parts of a response that follow from the objective alone: what to act on, the answer's label, the text.

    Asked without the page they cost a fraction of the step; an id, which only the page tells, is given.
    """
    thought, _, action = demonstration.response.partition("\nACTION: ")
    named = thought.rpartition(" [")[0]
    if demonstration.kind == "stop":
        label, colon, _value = thought.partition(": ")
        return [Query(demonstration.question, label + colon if colon else thought.split(" ")[0], "decide")]
    decisions = [Query(demonstration.question, named or thought, "decide")]
    if demonstration.kind == "type":
        before, typed, text = action.partition("] [")
        given = f"{demonstration.question}{thought}\nACTION: {before}{typed}"
        decisions.append(Query(given, text, "decide"))
    return decisions


class Sampler:
    """Draws packed rows from demonstrations, deterministically in the generator's state."""

    def __init__(self, pages_: list[Page], encoder: Encoder, num_queries: int, rng: random.Random) -> None:
        if not pages_:
            raise ValueError("there is no page to train on")
        self.encoder = encoder
        self.num_queries = num_queries
        self.rng = rng
        # A page on which many steps start is shown more often, but not in proportion: it carries many at once.
        self._weights = [1 + len(page.demonstrations) // num_queries for page in pages_]
        self._pages = pages_
        self._segments: dict[str, Segment] = {}
        self._decisions = [
            encoder.segment(query, ends=False)
            for page in pages_
            for step in page.demonstrations
            for query in decisions_of(step)
        ]

    def rows(self, count: int, curriculum: Curriculum, dense_share: float) -> list[packing.Row]:
        """`count` rows at the curriculum's level; `dense_share` of the questions are not the expert's."""
        num_dense = round(self.num_queries * dense_share)
        chosen = self.rng.choices(self._pages, self._weights, k=count)
        return [self._asked(page, curriculum, num_dense) for page in chosen]

    def decisions(self, count: int) -> list[packing.Row]:
        """`count` rows of one decision each."""
        chosen = self.rng.choices(self._decisions, k=count)
        page = self.encoder.page("")
        return [packing.pack(page, [one], SKILLS, gap=self.rng.randint(0, _MOST_GAP)) for one in chosen]

    def _asked(self, page: Page, curriculum: Curriculum, num_dense: int) -> packing.Row:
        lines, steps = pages.parse(page.text), list(page.demonstrations)
        self.rng.shuffle(steps)
        if not curriculum.whole:
            lines, steps = self._cut(lines, steps, curriculum.level)
        queries = lookups.draw(self.rng, lines, num_dense, instructed=True)
        segments = [self._demonstrated(step) for step in steps[: self.num_queries - num_dense]]
        segments += [self.encoder.segment(query, ends=query.skill != "look") for query in queries]
        return self._row("\n".join(line.text for line in lines), segments)

    def _cut(self, lines: list[Line], steps: list[Demonstration], level: int) -> tuple[list[Line], list[Demonstration]]:
        """`level` lines around what the first step needs, and the steps that need nothing outside of them."""
        needed = {id(step): _needed(lines, step) for step in steps}
        where = needed[id(steps[0])]
        last = max(0, len(lines) - level)
        if where is None:
            start = self.rng.randint(0, last)
        else:
            start = self.rng.randint(min(last, max(0, where - level + 1)), min(last, where))
        kept = [step for step in steps if (at := needed[id(step)]) is None or start <= at < start + level]
        return lines[start : start + level], kept

    def _demonstrated(self, step: Demonstration) -> Segment:
        key = step.question + step.response
        segment = self._segments.get(key)
        if segment is None:
            segment = self.encoder.segment(query_of(step), ends=True)
            self._segments[key] = segment
        return segment

    def _row(self, text: str, segments: list[Segment]) -> packing.Row:
        by = self.rng.randrange(1000)
        page = self.encoder.turn(self.encoder.page(text), by)
        return packing.pack(
            page, [self.encoder.turn_answer(segment, by) for segment in segments], SKILLS, self.encoder.ids
        )


def _needed(lines: list[Line], step: Demonstration) -> int | None:
    """Index of the line that a step acts on or answers from; None where it needs none."""
    thought = step.response.partition("\nACTION: ")[0]
    for index, line in enumerate(lines):
        if line.id is not None and thought == f"{line.name} [{line.id}]":
            return index
        if line.id is None and line.name and thought == line.name:
            return index
    return None
