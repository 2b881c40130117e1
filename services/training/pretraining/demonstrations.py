"""Demonstrations: single steps of an expert, and the file that holds them.

Invariant: a demonstration reads exactly as the "brief" prompt format asks and answers, so that what the
model was trained on is what an agent loop will show it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.common.errors import InvalidArgument

KINDS = ("click", "type", "hover", "press", "scroll", "goto", "go_back", "stop")


@dataclasses.dataclass(frozen=True)
class Demonstration:
    """One step: what was seen and what the expert answered."""

    # Names the world that the step was taken in, e.g. "demo/7": what is held out is held out by world.
    world: str
    task: int
    step: int
    # Compact observation.
    page: str
    # Display URL.
    url: str
    objective: str
    # The last action with its element's role and name instead of the id, or "none".
    previous: str
    # First word of the action.
    kind: str
    # Thought, newline, "ACTION: " and the action.
    response: str

    @property
    def question(self) -> str:
        """What follows the page in the prompt."""
        return f"\nURL: {self.url}\nOBJECTIVE: {self.objective}\nPREVIOUS: {self.previous}\nNEXT:\n"

    @property
    def prompt(self) -> str:
        """The whole prompt."""
        return f"{LEAD}{self.page}{self.question}"


LEAD = "PAGE:\n"
_FIELDS = {field.name: field for field in dataclasses.fields(Demonstration)}


def write(path: Path, demonstrations: Iterable[Demonstration]) -> int:
    """Write one JSON object a line; returns how many. The file appears whole or not at all."""
    partial = path.with_suffix(path.suffix + ".part")
    count = 0
    with partial.open("w", encoding="utf-8") as file:
        for demonstration in demonstrations:
            file.write(json.dumps(dataclasses.asdict(demonstration), ensure_ascii=False) + "\n")
            count += 1
    partial.replace(path)
    return count


def read(path: Path) -> list[Demonstration]:
    """All demonstrations of a file, or of a directory's *.jsonl files in order of their names.

    InvalidArgument names the line that is wrong, or says how to get a file.
    """
    if path.is_dir():
        return [one for file in sorted(path.glob("*.jsonl")) for one in read(file)]
    try:
        with path.open(encoding="utf-8") as file:
            return list(_parse(file, path))
    except FileNotFoundError as error:
        raise InvalidArgument(f"there is no demonstrations file {path}; collect one first (make tiny)") from error


def _parse(lines: Iterable[str], path: Path) -> Iterator[Demonstration]:
    for number, line in enumerate(lines, 1):
        try:
            values = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidArgument(f"{path}:{number} is not JSON: {error.msg}; collect the file again") from error
        if not isinstance(values, dict) or set(values) != set(_FIELDS):
            raise InvalidArgument(f"{path}:{number} must have exactly the fields {', '.join(_FIELDS)}")
        if values["kind"] not in KINDS:
            raise InvalidArgument(f"{path}:{number}: unknown kind {values['kind']!r}; known: {', '.join(KINDS)}")
        yield Demonstration(**values)
