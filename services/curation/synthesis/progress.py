"""How far the synthesis of one request is: what was decided and finished, in order of numbers.

Invariant: it equals what the ledger holds, so that a call after a kill goes on as the killed one would have.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict

from services.curation.ports import Record
from services.curation.synthesis.examples import Example, Objective

OBJECTIVE, EXAMPLE = "objective", "example"


class Progress:
    """Objectives (None: given up) and examples (None: given up) by number."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.objectives: dict[int, Objective | None] = {}
        self.examples: dict[int, Example | None] = {}
        self.refused: Counter[str] = Counter()
        for record in sorted(records, key=lambda each: (each.number, each.kind)):
            self.take(record)

    def take(self, record: Record) -> None:
        """Count a record in."""
        body = json.loads(record.body)
        self.refused.update(body["refused"])
        made = body["made"]
        if record.kind == OBJECTIVE:
            self.objectives[record.number] = Objective(**made) if made else None
        else:
            self.examples[record.number] = Example(**made) if made else None

    @property
    def num_drawn(self) -> int:
        """Numbers used up."""
        return len(self.objectives)

    def accepted(self) -> list[Objective]:
        """The accepted objectives, in order of their numbers."""
        return [objective for _, objective in sorted(self.objectives.items()) if objective is not None]

    def pending(self) -> dict[int, Objective]:
        """Accepted objectives whose example has not been decided."""
        return {
            number: objective
            for number, objective in sorted(self.objectives.items())
            if objective is not None and number not in self.examples
        }

    def finished(self, taken: Collection[tuple[str, str]]) -> dict[int, Example]:
        """Examples without repeats of each other or of the (prompt, response) pairs that are taken."""
        seen, found = set(taken), {}
        for number, example in sorted(self.examples.items()):
            if example is not None and (example.prompt, example.response) not in seen:
                seen.add((example.prompt, example.response))
                found[number] = example
        return found


def record(kind: str, number: int, made: Objective | Example | None, refused: Counter[str]) -> Record:
    """A decision as the ledger keeps it."""
    body = {"made": asdict(made) if made else None, "refused": dict(refused)}
    return Record(kind, number, json.dumps(body, ensure_ascii=False, sort_keys=True))
