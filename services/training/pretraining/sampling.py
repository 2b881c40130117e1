"""What the model is shown: pages with questions on them, by a curriculum.

First only look-ups on short cuts of pages, longer ones as accuracy passes a bar, then whole pages with
the expert's steps beside look-ups.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from services.training.pretraining import lookups, packing, pages
from services.training.pretraining.demonstrations import Demonstration
from services.training.pretraining.encoding import Encoder, Page, Segment
from services.training.pretraining.lookups import Query

DENSE = ("look", "read", "press", "fill")
SKILLS = [*DENSE, "demo"]


@dataclass
class Curriculum:
    """Where training stands. `level` is the number of lines that a page is cut to; it only grows."""

    level: int = 6
    top: int = 48
    bar: float = 0.85
    patience: int = 6
    waited: int = 0

    @property
    def whole(self) -> bool:
        """Pages are shown uncut, with demonstrations."""
        return self.level >= self.top

    def saw(self, accuracy: float) -> None:
        """One optimiser step was made at this (smoothed) look-up accuracy."""
        self.waited += 1
        if accuracy > self.bar and self.waited >= self.patience and not self.whole:
            self.level += max(2, self.level // 4)
            self.waited = 0


def query_of(demonstration: Demonstration) -> Query:
    """A demonstration as a question."""
    return Query(demonstration.question, demonstration.response, "demo")


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

    def rows(self, count: int, curriculum: Curriculum, dense_share: float) -> list[packing.Row]:
        """`count` rows at the curriculum's level; `dense_share` of the questions on whole pages are look-ups."""
        chosen = self.rng.choices(self._pages, self._weights, k=count)
        if not curriculum.whole:
            return [self._cut(page, curriculum.level) for page in chosen]
        return [self._whole(page, dense_share) for page in chosen]

    def _cut(self, page: Page, level: int) -> packing.Row:
        lines = page.text.split("\n")
        start = self.rng.randrange(max(1, len(lines) - level + 1))
        text = "\n".join(lines[start : start + level])
        queries = lookups.draw(self.rng, pages.parse(text), self.num_queries, instructed=False)
        return self._row(text, [self.encoder.segment(query, ends=query.skill == "read") for query in queries])

    def _whole(self, page: Page, dense_share: float) -> packing.Row:
        num_dense = round(self.num_queries * dense_share)
        wanted = min(len(page.demonstrations), self.num_queries - num_dense)
        steps = self.rng.sample(page.demonstrations, wanted)
        queries = lookups.draw(self.rng, pages.parse(page.text), num_dense, instructed=True)
        segments = [self._demonstrated(step) for step in steps]
        segments += [self.encoder.segment(query, ends=query.skill != "look") for query in queries]
        return self._row(page.text, segments)

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
        return packing.pack(page, [self.encoder.turn_answer(segment, by) for segment in segments], SKILLS)
